import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/base/testing';
import { methodOf } from '../../test/support/method.js';
import { CallContext } from './call-context.js';
import { type CallScope, currentOutageWait, currentWorkLimits, runInScope } from './scope.js';
import { ContextValues, callerIdentity } from './values.js';

const clock = new ManualClock();

function scopeOf({ idempotency = 'unknown', deadline, ...more }: ScopeOptions): CallScope {
  const context = new CallContext({ deadline, clock });
  return { context, signal: context.signal, traceId: '0'.repeat(32), method: methodOf(idempotency), ...more };
}

type ScopeOptions = Pick<CallScope, 'values' | 'peer'> & {
  readonly idempotency?: 'unknown' | 'idempotent' | 'no_side_effects';
  readonly deadline?: number | undefined;
};

function outageWait(idempotency: 'unknown' | 'idempotent' | 'no_side_effects', timeoutMs?: number) {
  const deadline = timeoutMs === undefined ? undefined : clock.now() + timeoutMs;
  return runInScope(scopeOf({ idempotency, deadline }), () => currentOutageWait(clock));
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

it('the caller of work is the process and the principal, or the address if neither is known', () => {
  const callerOfWork = (values?: ContextValues) =>
    runInScope(scopeOf({ peer: '127.0.0.1:5', ...(values && { values }) }), () => currentWorkLimits().caller);
  expect(callerOfWork()).toBe('127.0.0.1:5');
  expect(callerOfWork(new ContextValues())).toBe('127.0.0.1:5');
  const known = new ContextValues();
  known.set(callerIdentity, 'spiffe://example/gateway');
  expect(callerOfWork(known)).toBe('spiffe://example/gateway');
});
