import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { Metadata, MetadataValue } from '../call/metadata.js';
import { isWellFormed } from '../call/metadata.js';

const NO_VALUES: readonly never[] = [];
/** Clients of HTTP send it; it is no metadata. */
const HIDDEN = 'accept-encoding';

/**
 * The values of the metadata under `key`. Entries that metadata can't have are left out.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function valuesIn(headers: IncomingHttpHeaders, key: string): readonly MetadataValue[] {
  const value = headers[key];
  if (value === undefined || key === HIDDEN) return NO_VALUES;
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
 * @throws TypeError if an entry can't be sent. Node would throw in the middle of the reply, and nothing would catch that.
 */
export function addToHeaders(headers: OutgoingHttpHeaders, metadata: Metadata): OutgoingHttpHeaders {
  if (metadata.isEmpty) return headers;
  metadata.checkSendable();
  metadata.forEach((key, value) => {
    addHeader(headers, key, typeof value === 'string' ? value : toBase64(value));
  });
  return headers;
}

/** Adds a value under `key`, which may have others. The key may be the name of something that every object has, such as `constructor`. */
export function addHeader(headers: OutgoingHttpHeaders, key: string, text: string): void {
  const present = Object.hasOwn(headers, key) ? headers[key] : undefined;
  if (present === undefined) headers[key] = text;
  else if (Array.isArray(present)) present.push(text);
  else headers[key] = [String(present), text];
}

/** Base64 without padding. */
export function toBase64(bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return base64.endsWith('=') ? base64.replace(/=+$/, '') : base64;
}

const PLAIN = /^[\x20-\x24\x26-\x7e]*$/;

/** The UTF-8 of a text, percent-encoded except for printable ASCII: the value of `grpc-message`. */
export function percentEncoded(text: string): string {
  if (PLAIN.test(text)) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** The longest delay of Node's timers, 24.8 days, in seconds. */
const MAX_TIMEOUT_S = Math.floor((2 ** 31 - 1) / 1_000);
const TIMEOUT_TEXT = /^(\d{1,8})([HMSmun])$/;
const SECONDS: Readonly<Record<string, number>> = { H: 3_600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9 };

/** A `grpc-timeout` in milliseconds, at most as long as timers can be. Undefined for none, not a number if it is invalid. */
export function readTimeout(timeout: string | readonly string[] | undefined): number | undefined {
  if (timeout === undefined) return undefined;
  const [, amount, unit = ''] = TIMEOUT_TEXT.exec(String(timeout)) ?? [];
  return Math.min(Number(amount) * (SECONDS[unit] ?? 0), MAX_TIMEOUT_S) * 1_000;
}
