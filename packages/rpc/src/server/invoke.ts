import { iterateInScope, type Reply, runInScope, type ServerCall } from '../call/index.js';
import { observe } from '../middleware/index.js';
import { toRpcError } from './faults.js';
import type { AnyHandler } from './handlers.js';

/**
 * Runs a handler within the scope of its call, so that the calls it makes inherit deadline, signal and trace. Whatever
 * it throws becomes an `RpcError`: middleware sees nothing else.
 */
export async function invoke(handler: AnyHandler, call: ServerCall): Promise<Reply> {
  const { header, trailer, method } = call;
  try {
    const request = call.request.stream ? call.request.messages : call.request.message;
    const result = runInScope(call, () => handler(request as never, call));
    if (!method.responseStream) return { header, trailer, response: { stream: false, message: await result } };
    if (!isAsyncIterable(result)) throw new TypeError(`${method.path}: its handler must return an async iterable`);
    const messages = observe(iterateInScope(call, result), { error: (fault) => toRpcError(call, fault) });
    return { header, trailer, response: { stream: true, messages } };
  } catch (fault) {
    throw toRpcError(call, fault);
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
