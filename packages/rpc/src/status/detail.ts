import type { Any } from '@rondo/contracts/google/protobuf/any';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import type { RpcError } from './rpc-error.js';

/** A generated message type that knows its full name, such as those of `google/rpc/error_details`. */
export interface DetailType<T> {
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(partial: object): T;
}

const PREFIX = 'type.googleapis.com/';

/** Packs a message into an error detail, as `google.protobuf.Any` does. */
export function packDetail<T>(type: DetailType<T>, partial: Parameters<DetailType<T>['fromPartial']>[0]): Any {
  return { typeUrl: PREFIX + type.$type, value: Buffer.from(type.encode(type.fromPartial(partial)).finish()) };
}

/** The first detail of `type`, decoded; undefined if there is none or it can't be decoded. */
export function unpackDetail<T>(details: readonly Any[], type: DetailType<T>): T | undefined {
  const found = details.find(({ typeUrl }) => typeUrl.slice(typeUrl.lastIndexOf('/') + 1) === type.$type);
  if (found === undefined) return undefined;
  try {
    return type.decode(found.value);
  } catch {
    return undefined; // bytes of another version: code and message still hold
  }
}

/** The trailing metadata key that carries the details of a status. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

/** A status as `google.rpc.Status` bytes; undefined if it has no details. */
export function encodeStatusDetails({ code, message, details }: RpcError): Uint8Array | undefined {
  if (details.length === 0) return undefined;
  return RichStatus.encode({ code, message, details: [...details] }).finish();
}

/** The details in `google.rpc.Status` bytes; none if they can't be decoded: code and message still hold. */
export function decodeStatusDetails(bytes: Uint8Array): readonly Any[] {
  try {
    return RichStatus.decode(bytes).details;
  } catch {
    return [];
  }
}
