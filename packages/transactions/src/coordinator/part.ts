import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { ServiceDefinition } from '@rondo/rpc/contract';
import { type NamedMessageType, pack, unpack } from '../participant/operation.js';

/** What one participant is to do; made by {@link part}. */
export interface Part<Result> {
  /** The fully qualified service by whose instances the participant is served. */
  readonly service: string;
  readonly operation: Any;
  /** Reads what came of it. */
  readResult(result: Any | undefined): Result;
}

/** The results of parts, in their order. */
export type ResultsOf<Parts extends readonly Part<unknown>[]> = {
  readonly [K in keyof Parts]: Parts[K] extends Part<infer Result> ? Result : never;
};

/** The types of an operation's messages. */
export interface OperationTypes<Request, Result> {
  readonly request: NamedMessageType<Request>;
  readonly result: NamedMessageType<Result>;
}

/** What the participant beside `service` is to do: the operation that it has for the type of the request. */
export function part<Request, Result>(
  service: Pick<ServiceDefinition, 'fullName'>,
  { request, result }: OperationTypes<Request, Result>,
  message: Partial<Request>,
): Part<Result> {
  return {
    service: service.fullName,
    operation: pack(request, message),
    readResult: (any) => unpack(result, any, 'result'),
  };
}
