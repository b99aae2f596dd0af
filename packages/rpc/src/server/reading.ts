import type { ServerCall } from '../call/call.js';
import type { RuleViolation } from '../contract/definition.js';
import type { FieldAt } from '../status/invalid-argument.js';
import { type RequestReader, readRequest } from './routed-call.js';

/**
 * A handler with a reader: `read` turns the request into what the handler works with, and reports what the contract's rules
 * can't say, such as a date that must not be in the past. The caller gets those violations and the contract's together. If there
 * are any, `handle` isn't called, and what `read` returned is discarded, so it may return placeholders for what it reports.
 *
 * ```ts
 * implement(OrderServiceDefinition, {
 *   placeOrder: reading(readOrder, (order, call) => place(order)),
 * });
 * ```
 *
 * For methods with one request; the handler of a stream of requests reads each message itself, by `validate`. Another handler may call it
 * with a request of its own, which is read then.
 *
 * @param read must have no effects and not wait.
 * @param deferred says which violations of the contract's rules the handler itself looks for later, such as those of what an update
 * changes in part.
 */
export function reading<Request, Read, Result>(
  read: (request: Request, field: FieldAt) => Read,
  handle: (read: Read, call: ServerCall) => Result,
  deferred?: (request: Request) => (violation: RuleViolation) => boolean,
): (request: Request, call: ServerCall) => Result {
  const reader: RequestReader = Object.assign((message: unknown, field: FieldAt) => read(message as Request, field), {
    deferred: deferred && ((message: unknown) => deferred(message as Request)),
  });
  const handler = (request: Request, call: ServerCall) => handle(readRequest(call, reader, request) as Read, call);
  readers.set(handler, reader);
  return handler;
}

const readers = new WeakMap<object, RequestReader>();

/** The reader of a handler that {@link reading} made. */
export function readerOf(handler: object): RequestReader | undefined {
  return readers.get(handler);
}
