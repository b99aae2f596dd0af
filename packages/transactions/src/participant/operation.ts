import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { Transaction } from '@rondo/database';
import { invalidArgument } from '@rondo/rpc/status';
import type { CheckedRef } from '../transaction-ref.js';

/** A generated message type that names itself, as all of `@rondo/contracts` do. */
export interface NamedMessageType<T> {
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(partial: object): T;
}

/** What an operation is done for. */
export interface OperationContext {
  /** The transaction that it is a part of. */
  readonly transaction: CheckedRef;
  /** Aborts when the transaction is aborted meanwhile, or whoever asked is gone. */
  readonly signal: AbortSignal;
}

/** Does a part of a transaction: in the database transaction that it is given and nowhere else. */
export type OperationWork<Request, Result extends object> = (
  transaction: Transaction,
  request: Request,
  context: OperationContext,
) => Promise<Partial<Result>>;

/** What a participant can do in somebody's transaction; made by {@link operation}. */
export interface Operation {
  /** The full name of its request's type. */
  readonly requestType: string;
  /** Decodes, works, encodes. */
  run(transaction: Transaction, request: Any, context: OperationContext): Promise<Any>;
}

const PREFIX = 'type.googleapis.com/';

/**
 * An operation: known by the type of its request. Whatever `work` throws is a vote against the transaction; an `RpcError`
 * reaches the coordinator's caller as it is. It may run more than once, where concurrent transactions win.
 */
export function operation<Request, Result extends object>(
  types: { readonly request: NamedMessageType<Request>; readonly result: NamedMessageType<Result> },
  work: OperationWork<Request, Result>,
): Operation {
  return {
    requestType: types.request.$type,
    run: async (transaction, request, context) =>
      pack(types.result, await work(transaction, unpack(types.request, request, 'operation'), context)),
  };
}

/** A message with the name of its type. */
export function pack<T>(type: NamedMessageType<T>, message: object): Any {
  const value = Buffer.from(type.encode(type.fromPartial(message)).finish());
  return { typeUrl: PREFIX + type.$type, value };
}

/** The message of that type. @throws RpcError `INVALID_ARGUMENT` where it is another, or doesn't decode. */
export function unpack<T>(type: NamedMessageType<T>, any: Any | undefined, field: string): T {
  const found = typeOf(any);
  if (any === undefined || found !== type.$type) {
    throw invalidArgument([{ field, description: `must be a ${type.$type}; it is "${found}"` }]);
  }
  try {
    return type.decode(any.value);
  } catch {
    throw invalidArgument([{ field, description: `doesn't decode as ${type.$type}` }]);
  }
}

/** The full name of a packed message's type; empty where there is none. */
export function typeOf(any: Any | undefined): string {
  return any === undefined ? '' : any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1);
}
