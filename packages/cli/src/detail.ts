import { fromBinary, type JsonValue, type Registry, toJson } from '@bufbuild/protobuf';
import type { Any } from '@rondo/contracts/google/protobuf/any';
import {
  BadRequest,
  DebugInfo,
  ErrorInfo,
  Help,
  LocalizedMessage,
  PreconditionFailure,
  QuotaFailure,
  RequestInfo,
  ResourceInfo,
  RetryInfo,
} from '@rondo/contracts/google/rpc/error_details';

/** An error detail that can be printed. */
export interface DecodedDetail {
  /** The fully qualified message. */
  readonly type: string;
  /** Its fields; its bytes in base64 where nobody here knows the type. */
  readonly value: JsonValue;
}

const standard: ReadonlyMap<string, { decode(bytes: Uint8Array): object }> = new Map(
  [
    BadRequest,
    DebugInfo,
    ErrorInfo,
    Help,
    LocalizedMessage,
    PreconditionFailure,
    QuotaFailure,
    RequestInfo,
    ResourceInfo,
    RetryInfo,
  ].map((type) => [type.$type, type]),
);

/** Decodes an error detail: by the contract of the service that was called, or as one of google.rpc's. */
export function decodeDetail({ typeUrl, value }: Any, registry?: Registry): DecodedDetail {
  const type = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  try {
    return { type, value: decode(type, value, registry) ?? toBase64(value) };
  } catch {
    return { type, value: toBase64(value) }; // another version's bytes are shown as they are
  }
}

function decode(type: string, bytes: Uint8Array, registry: Registry | undefined): JsonValue | undefined {
  const desc = registry?.getMessage(type);
  if (registry !== undefined && desc !== undefined) return toJson(desc, fromBinary(desc, bytes), { registry });
  const message = standard.get(type)?.decode(bytes);
  return message === undefined ? undefined : plain(message);
}

/** As proto3's JSON has it: 64-bit integers are text, and what is empty isn't there. */
function plain(message: object): JsonValue {
  return JSON.parse(
    JSON.stringify(message, (_key, value: unknown) => {
      if (typeof value === 'bigint') return String(value);
      return isEmpty(value) ? undefined : value;
    }),
  );
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
