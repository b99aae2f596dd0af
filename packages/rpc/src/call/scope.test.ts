import { expect, it } from '@jest/globals';
import { methodOf } from '../../test/support/method.js';
import { ManualClock } from '../testing/manual-clock.js';
import { CallLimit } from './limit.js';
import { currentBounds, currentPatience, runInScope } from './scope.js';

const clock = new ManualClock();

function patience(idempotency: 'unknown' | 'idempotent' | 'no_side_effects', timeoutMs?: number) {
  const deadline = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
  const limit = new CallLimit({ deadline, clock });
  const scope = { limit, signal: limit.signal, traceId: '0'.repeat(32), method: methodOf(idempotency) };
  return runInScope(scope, () => currentPatience(clock));
}

it('a wait for an outage ends before the deadline, to leave time for the answer, and allows repeats for idempotent methods', () => {
  expect(patience('unknown', 5_000)).toEqual({ forMs: 4_750, repeat: false });
  expect(patience('idempotent', 5_000)).toEqual({ forMs: 4_750, repeat: true });
  expect(patience('no_side_effects', 100)).toEqual({ forMs: 0, repeat: true });
});

it('a wait for an outage is bounded without a deadline, and undefined without a call', () => {
  expect(patience('no_side_effects')).toEqual({ forMs: 10_000, repeat: true });
  expect(currentPatience()).toBeUndefined();
  expect(currentBounds()).toEqual({ signal: undefined, patience: undefined });
});
