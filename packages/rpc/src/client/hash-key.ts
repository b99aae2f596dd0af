import type { Payload } from '../call/call.js';
import type { ClientCall } from '../call/client-call.js';
import type { Metadata } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import type { HashKey } from '../contract/policy.js';
import { readScalar } from '../contract/wire-fields.js';

/**
 * The call's key for `ring_hash`, from the metadata or the request field that `source` names. Bytes are read as Latin-1.
 * Undefined if the metadata or the field is missing, is a message, or the request is a stream.
 */
export function readHashKey(source: HashKey, { metadata, request }: ClientCall): string | undefined {
  if (source.from === 'metadata') return metadata.get(source.key);
  return request.stream ? undefined : toKey(source.path.reduce<unknown>(fieldOf, request.message));
}

/** As {@link readHashKey}, for a request that stays encoded. Its field is found only if the method says where it is. */
export function readEncodedHashKey(
  { policy: { hashKey: source }, policyFields }: Method,
  { metadata, request }: { readonly metadata: Metadata; readonly request: Payload<Uint8Array> },
): string | undefined {
  if (source?.from === 'metadata') return metadata.get(source.key);
  const field = source && policyFields?.hashKey;
  return field === undefined || request.stream ? undefined : toKey(readScalar(request.message, field));
}

function fieldOf(message: unknown, name: string): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, name) : undefined;
}

function toKey(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined;
  }
}
