import type { MetadataValue } from './metadata.js';

/** The trailing metadata key by which a Rondo server proves that no handler ran; see `transport/router-error.ts`. */
export const NOT_HANDLED = 'rondo-not-handled';

/** The request's metadata key of the assertion on whose behalf a process calls; see `principal/signer.ts`. */
export const PRINCIPAL = 'rondo-principal';

const BASE64 = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(?:==)?|[A-Za-z0-9+/_-]{3}=?)?$/;

/** Whether a header's value of a key that ends in `-bin` is base64, in either alphabet, with or without padding; several have commas. */
export const isBase64 = (value: string): boolean => value.split(',').every((part) => BASE64.test(part.trim()));

const PROTOCOL = 'grpc-';
const OF_PROTOCOL = 'keys that begin with "grpc-" belong to the protocol';
const OF_HTTP = 'the key belongs to HTTP, and would break the call or its connection; choose another';

/** Keys that neither a caller nor a handler may set, each with the reason. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  // Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2
  ['connection', OF_HTTP],
  ['http2-settings', OF_HTTP],
  ['keep-alive', OF_HTTP],
  ['proxy-connection', OF_HTTP],
  ['te', OF_HTTP],
  ['transfer-encoding', OF_HTTP],
  ['upgrade', OF_HTTP],
  // gRPC itself sets these: they say how a message is framed or where it goes.
  ['content-length', OF_HTTP],
  ['content-type', OF_HTTP],
  ['host', OF_HTTP],
  ['trailer', OF_HTTP],
  [NOT_HANDLED, "the key belongs to Rondo's servers, which prove by it that no handler ran"],
  [
    PRINCIPAL,
    "the key belongs to Rondo's clients, which say by it on whose behalf they call; give the option principal",
  ],
  ['__proto__', 'JavaScript objects lose the key; choose another'],
]);

/** Keys that a message may have once. Node refuses to send two, and the client's connection ends because of it. */
const SINGLE: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);

const KEY = /^[0-9a-z_.-]+$/;
const TEXT = /^[\x20-\x7e]*$/;

/** Whether `key`, in lower case, is reserved: neither a caller nor a handler may set it. */
export function isReserved(key: string): boolean {
  return key.startsWith(PROTOCOL) || RESERVED.has(key);
}

/** Whether a received entry is one that HTTP could have carried. Its key may be reserved. */
export function isWellFormed(key: string, value: MetadataValue): boolean {
  return KEY.test(key) && (typeof value !== 'string' || TEXT.test(value));
}

/** Whether `key`, in lower case, takes at most one value. */
export function isSingle(key: string): boolean {
  return SINGLE.has(key);
}

/**
 * Returns `key` in lower case.
 *
 * @throws TypeError that says why, if metadata can't have the key.
 */
export function checkedKey(key: string): string {
  const name = key.toLowerCase();
  if (!KEY.test(name)) {
    throw new TypeError(`metadata key "${key}": only letters, digits and "_ . -" can stand in a key`);
  }
  const reason = name.startsWith(PROTOCOL) ? OF_PROTOCOL : RESERVED.get(name);
  if (reason !== undefined) throw new TypeError(`metadata key "${key}": ${reason}`);
  return name;
}

/** @throws TypeError that says why, if `key` can't have `value`. */
export function checkValue(key: string, value: MetadataValue): void {
  const binary = key.endsWith('-bin');
  if (binary ? !(value instanceof Uint8Array) : typeof value !== 'string') {
    throw new TypeError(`metadata key "${key}": ${binary ? 'needs bytes' : 'needs text; bytes go under a "-bin" key'}`);
  }
  if (typeof value !== 'string') return;
  if (!TEXT.test(value)) {
    throw new TypeError(`metadata key "${key}": text must be printable ASCII; anything else goes under a "-bin" key`);
  }
  if (value.startsWith(' ') || value.endsWith(' ')) {
    throw new TypeError(`metadata key "${key}": text can't begin or end with a space, as HTTP would lose it; trim it`);
  }
}
