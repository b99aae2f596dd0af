import type { HashKey } from '../contract/policy.js';
import type { ClientCall } from './client.js';

/**
 * The call's key for `ring_hash`, from the metadata or the request field that `source` names. Bytes are read as Latin-1.
 * Undefined if the metadata or the field is missing, is a message, or the request is a stream.
 */
export function readHashKey(source: HashKey, { metadata, request }: ClientCall): string | undefined {
  if (source.from === 'metadata') {
    const value = metadata.get(source.key);
    return value === undefined ? undefined : toKey(value);
  }
  return request.stream ? undefined : toKey(source.path.reduce<unknown>(fieldOf, request.message));
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
