import { expect, it } from '@jest/globals';
import { emptyReply, FakeTransport } from '../../test/support/fake-transport.js';
import { wrapTransport } from './transport.js';

it('a wrapped transport delegates everything that is not replaced, also optional functions', () => {
  const inner = new FakeTransport();
  const call = async () => emptyReply;
  const wrapped = wrapTransport(inner, { call });
  const states: string[] = [];
  wrapped.subscribe((state) => states.push(state));
  inner.move('transient_failure', 'connect ECONNREFUSED a:1');
  wrapped.resetBackoff?.();
  expect([wrapped.state, wrapped.lastError, states]).toEqual([
    'transient_failure',
    'connect ECONNREFUSED a:1',
    ['transient_failure'],
  ]);
  expect(inner.hurries).toBe(1);
  expect(wrapped.call).toBe(call);
  wrapped.close();
  expect(inner.closed).toBe(true);
});
