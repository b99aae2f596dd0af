import { CallContext, Metadata } from '../../src/exports/call.js';
import type { WireCall } from '../../src/transport/transport.js';

/** A unary call with an empty request; `call` overrides its properties. */
export function wireCall(call: Partial<WireCall> = {}): WireCall {
  return {
    path: '/rondo.conformance.v1.ConformanceService/Unary',
    responseStream: false,
    metadata: new Metadata(),
    deadline: undefined,
    context: new CallContext(),
    request: { stream: false, message: new Uint8Array() },
    ...call,
  };
}
