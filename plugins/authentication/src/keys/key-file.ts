import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { isScopeList } from '../tokens/scopes.js';
import type { StoredKey } from './api-key.js';

/**
 * The API keys in a file; none if there is no file.
 *
 * @throws Error that names the file, the key and what is wrong with it.
 */
export function readKeyFile(file: string): readonly StoredKey[] {
  if (!existsSync(file)) return [];
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`${file} can't be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  const keys = fieldOf(json, 'keys');
  if (!Array.isArray(keys)) throw new Error(`${file}: "keys" must be a list`);
  const read = keys.map((key, index) => toStoredKey(key, `${file}: keys[${index}]`));
  if (new Set(read.map(({ id }) => id)).size < read.length) throw new Error(`${file}: two keys have the same id`);
  return read;
}

/**
 * Changes the keys in a file. Two processes never change it at once, and a reader sees it whole.
 *
 * @throws Error if another process is changing it, or was killed during a change.
 */
export function changeKeyFile(file: string, change: (keys: readonly StoredKey[]) => readonly StoredKey[]): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const next = `${file}.new`;
  const handle = openLock(next, file);
  try {
    const keys = change(readKeyFile(file));
    writeSync(handle, `${JSON.stringify({ keys }, undefined, 2)}\n`);
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
}

function openLock(next: string, file: string): number {
  try {
    return openSync(next, 'wx', 0o600);
  } catch (cause) {
    if (!existsSync(next)) throw cause;
    throw new Error(`another process is changing ${file}; if none is, it was cut off: remove ${next}`, { cause });
  }
}

const RULES: Readonly<Record<keyof StoredKey, readonly [rule: string, holds: (value: unknown) => boolean]>> = {
  id: ['12 hexadecimal digits', (value) => matches(value, /^[0-9a-f]{12}$/)],
  hash: ['64 hexadecimal digits', (value) => matches(value, /^[0-9a-f]{64}$/)],
  subject: ['1 to 255 printable characters of ASCII', (value) => matches(value, /^[\x20-\x7e]{1,255}$/)],
  scopes: ['a list of at most 256 scopes, with 4096 characters in all', isScopeList],
  created: ['a time', isTime],
  expires: ['a time', isTime],
};

const matches = (value: unknown, pattern: RegExp) => typeof value === 'string' && pattern.test(value);

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function toStoredKey(json: unknown, at: string): StoredKey {
  for (const [field, [rule, holds]] of Object.entries(RULES)) {
    if (!holds(fieldOf(json, field))) throw new Error(`${at}.${field} must be ${rule}`);
  }
  // Each field has been checked.
  return json as StoredKey;
}

function fieldOf(json: unknown, field: string): unknown {
  return typeof json === 'object' && json !== null && Object.hasOwn(json, field) ? Reflect.get(json, field) : undefined;
}
