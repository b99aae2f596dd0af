import type { Method } from '../../src/contract/method.js';

/** The unary method `s.S/M` with empty messages. `fields` replaces defaults. */
export function methodOf(idempotency: Method['policy']['idempotency'], fields: Partial<Method> = {}): Method {
  const type = { encode: () => ({ finish: () => new Uint8Array() }), decode: () => ({}), fromPartial: () => ({}) };
  const types = { requestType: type, responseType: type, requestStream: false, responseStream: false };
  return {
    service: 's.S',
    name: 'M',
    path: '/s.S/M',
    policy: { timeoutMs: undefined, defaultTimeoutMs: undefined, idempotency },
    ...types,
    ...fields,
  };
}
