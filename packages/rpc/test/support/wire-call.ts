import { CallContext, Metadata } from '../../src/exports/call.js';
import type { ReceivedWireCall } from '../../src/transport/transport.js';

/** A unary call with an empty request, sent or received; `call` overrides its properties. */
export function wireCall(call: Partial<ReceivedWireCall> = {}): ReceivedWireCall {
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
