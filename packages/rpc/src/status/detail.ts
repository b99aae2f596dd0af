import type { Any } from '@rondo/contracts/google/protobuf/any';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import type { RpcError } from './rpc-error.js';

/** A generated message type that names itself, such as those of `google/rpc/error_details`. */
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

/** The first detail of `type`, decoded; undefined where there is none or it doesn't decode. */
export function unpackDetail<T>(details: readonly Any[], type: DetailType<T>): T | undefined {
  const found = details.find(({ typeUrl }) => typeUrl.slice(typeUrl.lastIndexOf('/') + 1) === type.$type);
  if (found === undefined) return undefined;
  try {
    return type.decode(found.value);
  } catch {
    return undefined; // another version's bytes: the code and message still stand
  }
}

/** The trailing metadata in which the details of a status travel. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

/** A status with details as `google.rpc.Status` bytes; undefined where there are none to carry. */
export function encodeStatusDetails({ code, message, details }: RpcError): Uint8Array | undefined {
  if (details.length === 0) return undefined;
  return RichStatus.encode({ code, message, details: [...details] }).finish();
}

/** The details in `google.rpc.Status` bytes; none where they don't decode: code and message still stand. */
export function decodeStatusDetails(bytes: Uint8Array): readonly Any[] {
  try {
    return RichStatus.decode(bytes).details;
  } catch {
    return [];
  }
}
