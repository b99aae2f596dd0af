import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { Transaction } from '@rondo/database';
import { type MessageType, readChecked } from '@rondo/rpc/internal';
import type { FieldAt } from '@rondo/rpc/status';
import { participantErrors } from '../errors.js';
import type { CheckedRef } from '../transaction-ref.js';

/** A generated message type with its full name, as all types in `@rondo/contracts` have it. */
export interface NamedMessageType<T> {
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(partial: object): T;
  /** What is checked in a request before its operation. */
  readonly checked?: MessageType<T>['checked'];
}

/** The context of an operation. */
export interface OperationContext {
  /** The distributed transaction that it belongs to. */
  readonly transaction: CheckedRef;
  /** Aborts if the transaction is aborted meanwhile, or if the caller is gone. */
  readonly signal: AbortSignal;
}

/** Does a participant's part of a transaction. All of its effects must be in the given database transaction. */
export type OperationWork<Request, Result extends object> = (
  transaction: Transaction,
  request: Request,
  context: OperationContext,
) => Promise<Partial<Result>>;

/** An operation that a participant offers to distributed transactions; {@link operation} creates it. */
export interface Operation {
  /** The full name of its request type. */
  readonly requestType: string;
  /** Decodes the request, does the work, and encodes the result. */
  run(transaction: Transaction, request: Any, context: OperationContext): Promise<Any>;
}

const PREFIX = 'type.googleapis.com/';

/** The messages of an operation. */
export interface OperationTypes<Request, Result, Read = Request> {
  readonly request: NamedMessageType<Request>;
  readonly result: NamedMessageType<Result>;
  /**
   * Converts the request for the work, and reports violations that the contract's rules can't express, as `reading`
   * does for a handler. Without it the work gets the request.
   */
  readonly read?: (request: Request, field: FieldAt) => Read;
}

/**
 * Creates an operation, which is selected by its request type. The request is checked by the rules of its contract first, and
 * read. An error in `work` is a vote to abort; an `RpcError` reaches the coordinator's caller unchanged. `work` may run more
 * than once because of conflicts with concurrent transactions.
 */
export function operation<Request, Result extends object, Read = Request>(
  { request: type, result, read = (message) => message as unknown as Read }: OperationTypes<Request, Result, Read>,
  work: OperationWork<Read, Result>,
): Operation {
  return {
    requestType: type.$type,
    async run(transaction, packed, context) {
      await type.checked?.load?.();
      const message = unpack(type, packed, 'operation');
      const violations = type.checked?.decode(packed.value).violations() ?? [];
      const request = readChecked(violations, (field) => read(message, field));
      return pack(result, await work(transaction, request, context));
    },
  };
}

/** Packs a message with the name of its type. */
export function pack<T>(type: NamedMessageType<T>, message: object): Any {
  const value = Buffer.from(type.encode(type.fromPartial(message)).finish());
  return { typeUrl: PREFIX + type.$type, value };
}

/**
 * Unpacks a message of that type.
 *
 * @throws RpcError `INVALID_ARGUMENT` if it has another type or can't be decoded.
 */
export function unpack<T>(type: NamedMessageType<T>, any: Any | undefined, field: string): T {
  const found = typeOf(any);
  if (any === undefined || found !== type.$type) throw participantErrors.OTHER_TYPE({ field, type: type.$type, found });
  try {
    return type.decode(any.value);
  } catch {
    throw participantErrors.UNDECODABLE({ field, type: type.$type });
  }
}

/** The full type name of a packed message; empty if there is none. */
export function typeOf(any: Any | undefined): string {
  return any === undefined ? '' : any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1);
}
