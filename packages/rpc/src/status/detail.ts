import type { Any } from '@rondo/contracts/google/protobuf/any';
import { BadRequest, PreconditionFailure, QuotaFailure } from '@rondo/contracts/google/rpc/error_details';
import { Status as RichStatus } from '@rondo/contracts/google/rpc/status';
import type { Status } from './code.js';

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

/**
 * Cuts the details to `maxBytes` in all. A long list of violations keeps its first entries, and the last of these
 * says how many were cut. From the first other detail that doesn't fit, all are left out.
 */
export function fitDetails(details: readonly Any[], maxBytes: number): readonly Any[] {
  const sizeOf = ({ typeUrl, value }: Any) => typeUrl.length + value.length;
  let surplus = details.reduce((sum, detail) => sum + sizeOf(detail), -maxBytes);
  if (surplus <= 0) return details;
  const shorter = details.map((detail) => {
    const { typeUrl, value } = detail;
    const most = value.length - surplus;
    const shortened = LISTS.map((shorten) => surplus > 0 && shorten(detail, most)).find((bytes) => bytes);
    if (!shortened) return detail;
    surplus -= value.length - shortened.length;
    return { typeUrl, value: shortened };
  });
  let room = maxBytes;
  const first = shorter.findIndex((detail) => {
    room -= sizeOf(detail);
    return room < 0;
  });
  return first < 0 ? shorter : shorter.slice(0, first);
}

/** The space for "; and 1000000 more". */
const NOTE_BYTES = 32;

/** Shortens a detail of `type` whose violations are in `list`. Undefined if it has another type, or can't be shortened. */
const shortening =
  <List extends string>(type: DetailType<Record<List, readonly { description: string }[]>>, list: List) =>
  (detail: Any, maxBytes: number): Buffer | undefined => {
    const all = unpackDetail([detail], type)?.[list] ?? [];
    const encode = (part: typeof all) => Buffer.from(type.encode(type.fromPartial({ [list]: part })).finish());
    let room = maxBytes - NOTE_BYTES;
    const count = all.findIndex((violation) => {
      room -= encode([violation]).length;
      return room < 0;
    });
    const last = all[count - 1];
    if (last === undefined) return undefined;
    const description = `${last.description}; and ${all.length - count} more`;
    return encode([...all.slice(0, count - 1), { ...last, description }]);
  };
const LISTS = [
  shortening(BadRequest, 'fieldViolations'),
  shortening(PreconditionFailure, 'violations'),
  shortening(QuotaFailure, 'violations'),
];

/** The trailing metadata key that carries the details of a status. */
export const STATUS_DETAILS = 'grpc-status-details-bin';

/** A status as `google.rpc.Status` bytes; undefined if it has no details. */
export function encodeStatusDetails({
  code,
  message,
  details,
}: {
  readonly code: Status;
  readonly message: string;
  readonly details: readonly Any[];
}): Uint8Array | undefined {
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
