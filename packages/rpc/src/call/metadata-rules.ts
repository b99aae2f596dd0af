import type { MetadataValue } from './metadata.js';

/** The trailing metadata by which a Rondo server says that no handler ran; see `transport/router-error.ts`. */
export const NOT_HANDLED = 'rondo-not-handled';

const PROTOCOL = 'grpc-';
const OF_PROTOCOL = 'keys that begin with "grpc-" belong to the protocol';
const OF_HTTP = 'the key belongs to HTTP, and would break the call or its connection; choose another';

/** Keys that no caller and no handler can set, each with the reason. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  // Source: https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2
  ['connection', OF_HTTP],
  ['http2-settings', OF_HTTP],
  ['keep-alive', OF_HTTP],
  ['proxy-connection', OF_HTTP],
  ['te', OF_HTTP],
  ['transfer-encoding', OF_HTTP],
  ['upgrade', OF_HTTP],
  // These say how a message is framed or where it goes, and gRPC says that itself.
  ['content-length', OF_HTTP],
  ['content-type', OF_HTTP],
  ['host', OF_HTTP],
  ['trailer', OF_HTTP],
  [NOT_HANDLED, "the key belongs to Rondo's servers, which prove by it that no handler ran"],
  ['__proto__', 'JavaScript objects lose the key; choose another'],
]);

/** What can stand in a message once. Node refuses to send it twice, and a client's connection ends by that. */
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

/** Whether `key`, in lower case, is one that no caller and no handler can set. */
export function isReserved(key: string): boolean {
  return key.startsWith(PROTOCOL) || RESERVED.has(key);
}

/** Whether `key`, in lower case, takes one value at the most. */
export function isSingle(key: string): boolean {
  return SINGLE.has(key);
}

/** `key` in lower case. @throws TypeError if metadata can't have it; it says why. */
export function checkedKey(key: string): string {
  const name = key.toLowerCase();
  if (!KEY.test(name)) {
    throw new TypeError(`metadata key "${key}": only letters, digits and "_ . -" can stand in a key`);
  }
  const reason = name.startsWith(PROTOCOL) ? OF_PROTOCOL : RESERVED.get(name);
  if (reason !== undefined) throw new TypeError(`metadata key "${key}": ${reason}`);
  return name;
}

/** @throws TypeError if `key` can't have `value`; it says why. */
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
