import type { ServerCall } from '../call/index.js';
import type { MethodDefinition, RequestOf, ResponseInit, ServiceDefinition } from '../contract/index.js';
import { RpcError, Status } from '../status/index.js';

/** What answers one method; its shape follows from the contract. */
export type Handler<M extends MethodDefinition> = M['requestStream'] extends true
  ? M['responseStream'] extends true
    ? (requests: AsyncIterable<RequestOf<M>>, call: ServerCall) => AsyncIterable<ResponseInit<M>>
    : (requests: AsyncIterable<RequestOf<M>>, call: ServerCall) => Promise<ResponseInit<M>> | ResponseInit<M>
  : M['responseStream'] extends true
    ? (request: RequestOf<M>, call: ServerCall) => AsyncIterable<ResponseInit<M>>
    : (request: RequestOf<M>, call: ServerCall) => Promise<ResponseInit<M>> | ResponseInit<M>;

/** What answers every method of a service. */
export type Handlers<D extends ServiceDefinition> = { readonly [K in keyof D['methods']]: Handler<D['methods'][K]> };

/** A service with its handlers; made by {@link implement}. */
export interface ServiceImplementation {
  readonly definition: ServiceDefinition;
  /** By the methods' names in code. */
  readonly handlers: Readonly<Record<string, AnyHandler>>;
}

/** A handler whose shape is known from its method alone. */
export type AnyHandler = (request: never, call: ServerCall) => unknown;

/** Joins a contract and the handlers that keep it. */
export function implement<D extends ServiceDefinition>(
  definition: D,
  handlers: Handlers<NoInfer<D>>,
): ServiceImplementation {
  return { definition, handlers: handlers as Readonly<Record<string, AnyHandler>> };
}

/**
 * A handler for a method that isn't written yet, of whichever kind: it answers `UNIMPLEMENTED`.
 *
 * @param file Where the method is to be written: the caller is told.
 */
export function unimplemented(file: string): (request: unknown, call: ServerCall) => never {
  return (_request, { method }) => {
    throw new RpcError(Status.UNIMPLEMENTED, `${method.path} isn't written yet: its handler belongs in ${file}`);
  };
}
