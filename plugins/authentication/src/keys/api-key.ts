import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { KEY_PREFIX } from '../credentials.js';

/** What is stored of an API key. */
export interface StoredKey {
  /** Names the key, in it and in `rondo keys`. Not secret. */
  readonly id: string;
  /** SHA-256 of the whole key, in hexadecimal. */
  readonly hash: string;
  /** The program or person that has the key. */
  readonly subject: string;
  readonly scopes: readonly string[];
  /** RFC 3339. */
  readonly created: string;
  /** RFC 3339. */
  readonly expires: string;
}

const ID_BYTES = 6;
const SECRET_BYTES = 32;
const KEY = new RegExp(`^${KEY_PREFIX}(?<id>[0-9a-f]{${2 * ID_BYTES}})_[A-Za-z0-9_-]{43}$`);

/** Makes a key: a prefix that scanners for secrets find, an id, and 256 random bits. */
export function newApiKey(): { readonly id: string; readonly text: string } {
  const id = randomBytes(ID_BYTES).toString('hex');
  return { id, text: `${KEY_PREFIX}${id}_${randomBytes(SECRET_BYTES).toString('base64url')}` };
}

/** The id of a key; undefined if the text has not the form of a key. */
export function idOfApiKey(text: string): string | undefined {
  return KEY.exec(text)?.groups?.['id'];
}

/** A plain hash is enough: there are 2^256 keys to try, unlike passwords, so that it needn't be slow. */
export function hashOfApiKey(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Compares in a time that doesn't depend on where the hashes differ. */
export function isSameHash(one: string, other: string): boolean {
  return timingSafeEqual(Buffer.from(one, 'hex'), Buffer.from(other, 'hex'));
}
