import { expect, it } from '@jest/globals';
import { methodOf } from '../../test/support/method.js';
import { ManualClock } from '../testing/manual-clock.js';
import { CallContext } from './call-context.js';
import { currentOutageWait, currentWorkLimits, runInScope } from './scope.js';

const clock = new ManualClock();

function outageWait(idempotency: 'unknown' | 'idempotent' | 'no_side_effects', timeoutMs?: number) {
  const deadline = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
  const context = new CallContext({ deadline, clock });
  const scope = { context, signal: context.signal, traceId: '0'.repeat(32), method: methodOf(idempotency) };
  return runInScope(scope, () => currentOutageWait(clock));
}

it('a wait for an outage ends before the deadline, to leave time for the answer, and allows repeats for idempotent methods', () => {
  expect(outageWait('unknown', 5_000)).toEqual({ timeoutMs: 4_750, repeatable: false });
  expect(outageWait('idempotent', 5_000)).toEqual({ timeoutMs: 4_750, repeatable: true });
  expect(outageWait('no_side_effects', 100)).toEqual({ timeoutMs: 0, repeatable: true });
});

it('a wait for an outage is bounded without a deadline, and undefined without a call', () => {
  expect(outageWait('no_side_effects')).toEqual({ timeoutMs: 10_000, repeatable: true });
  expect(currentOutageWait()).toBeUndefined();
  expect(currentWorkLimits()).toEqual({ signal: undefined, outageWait: undefined });
});
