import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { Metadata, MetadataValue } from '../../call/metadata.js';
import { isWellFormed } from '../../call/metadata.js';
import { PEER_KEY } from './mutual-tls.js';
import { STREAM_KEY } from './request-streams.js';

const NO_VALUES: readonly never[] = [];
/**
 * What isn't metadata: `accept-encoding`, which clients of HTTP send, as grpc-js hides it; and what a client wrote under the keys by
 * which servers find the stream and the client of grpc-js's calls.
 */
const HIDDEN: ReadonlySet<string> = new Set(['accept-encoding', PEER_KEY, STREAM_KEY]);

/**
 * The values of the metadata under `key`. Entries that metadata can't have are left out.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function valuesIn(headers: IncomingHttpHeaders, key: string): readonly MetadataValue[] {
  const value = headers[key];
  if (value === undefined || HIDDEN.has(key)) return NO_VALUES;
  const texts = (typeof value === 'string' ? [value] : value).filter((text) => isWellFormed(key, text));
  if (!key.endsWith('-bin')) return texts;
  return texts.flatMap((text) => text.split(',').map((part) => Buffer.from(part.trim(), 'base64')));
}

/** Calls `visit` with each entry of the metadata in `headers`. */
export function forEachIn(headers: IncomingHttpHeaders, visit: (key: string, value: MetadataValue) => void): void {
  for (const key of Object.keys(headers)) {
    if (key.startsWith(':')) continue;
    for (const value of valuesIn(headers, key)) visit(key, value);
  }
}

/**
 * Adds the entries of `metadata` to `headers`. Bytes are written without the padding of base64, as gRPC asks of servers.
 *
 * @throws TypeError if an entry can't be sent.
 */
export function addToHeaders(headers: OutgoingHttpHeaders, metadata: Metadata): OutgoingHttpHeaders {
  if (metadata.isEmpty) return headers;
  metadata.checkSendable();
  metadata.forEach((key, value) => {
    const text = typeof value === 'string' ? value : toBase64(value);
    // A key may be the name of something that every object has, such as `constructor`.
    const present = Object.hasOwn(headers, key) ? headers[key] : undefined;
    if (present === undefined) headers[key] = text;
    else headers[key] = Array.isArray(present) ? [...present, text] : [String(present), text];
  });
  return headers;
}

/** Without padding. */
function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64').replace(/=+$/, '');
}
