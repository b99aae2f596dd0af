import type { ServerCall } from '../call/call.js';
import {
  type MethodDefinition,
  type Raw,
  type RequestOf,
  type ResponseInit,
  raw,
  type ServiceDefinition,
} from '../contract/definition.js';
import { serverErrors } from '../errors/server.js';

/** The handler of one method. Its type follows from the contract. */
export type Handler<M extends MethodDefinition> = M['requestStream'] extends true
  ? M['responseStream'] extends true
    ? (requests: AsyncIterable<RequestOf<M>>, call: ServerCall) => AsyncIterable<ResponseInit<M>>
    : (requests: AsyncIterable<RequestOf<M>>, call: ServerCall) => Promise<ResponseInit<M>> | ResponseInit<M>
  : M['responseStream'] extends true
    ? (request: RequestOf<M>, call: ServerCall) => AsyncIterable<ResponseInit<M>>
    : (request: RequestOf<M>, call: ServerCall) => Promise<ResponseInit<M>> | ResponseInit<M>;

/** The handlers of a service. Methods named by `U` take and return encoded messages. */
export type Handlers<D extends ServiceDefinition, U extends keyof D['methods'] = never> = {
  readonly [K in keyof D['methods']]: Handler<K extends U ? Raw<D['methods'][K]> : D['methods'][K]>;
};

interface ImplementOptions<U> {
  /** The methods, by their names in code, whose handlers take and return encoded messages: see {@link raw}. */
  readonly raw?: readonly U[];
}

/** A service with its handlers, created by {@link implement}. */
export interface ServiceImplementation {
  readonly definition: ServiceDefinition;
  /** By the methods' names in code. */
  readonly handlers: Readonly<Record<string, AnyHandler>>;
}

/** A handler of any type of method. */
export type AnyHandler = (request: never, call: ServerCall) => unknown;

/** Combines a contract with its handlers. */
export function implement<D extends ServiceDefinition, U extends keyof D['methods'] & string = never>(
  definition: D,
  handlers: Handlers<NoInfer<D>, U>,
  { raw: rawMethods = [] }: ImplementOptions<U> = {},
): ServiceImplementation {
  return {
    definition: rawMethods.length === 0 ? definition : withRaw(definition, rawMethods),
    handlers: handlers as Readonly<Record<string, AnyHandler>>,
  };
}

function withRaw(definition: ServiceDefinition, names: readonly string[]): ServiceDefinition {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    return [key, names.includes(key) ? raw(method) : method] as const;
  });
  return { ...definition, methods: Object.fromEntries(methods) };
}

/**
 * A handler for a method of any type that isn't written yet: it answers `UNIMPLEMENTED`.
 *
 * @param file the file for the handler; the message to the caller names it.
 */
export function unimplemented(file: string): (request: unknown, call: ServerCall) => never {
  return (_request, { method }) => {
    throw serverErrors.UNWRITTEN({ path: method.path, file });
  };
}
