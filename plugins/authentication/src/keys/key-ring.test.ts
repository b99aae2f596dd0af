import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@rondo/rpc/call';
import { ManualClock } from '@rondo/rpc/testing';
import { hashOfApiKey, newApiKey, type StoredKey } from './api-key.js';
import { changeKeyFile, readKeyFile } from './key-file.js';
import { KeyRing } from './key-ring.js';

const CREATED = '2026-03-01T12:00:00.000Z';
const EXPIRES = '2026-06-01T12:00:00.000Z';

let folder: string;
let file: string;
let now: Date;
let clock: ManualClock;
const warnings: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'rondo-keys-'));
  file = path.join(folder, 'auth', 'keys.json');
  now = new Date(CREATED);
  clock = new ManualClock();
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

function add(subject: string): string {
  const { id, text } = newApiKey();
  const key: StoredKey = {
    id,
    hash: hashOfApiKey(text),
    subject,
    scopes: ['sales.read'],
    created: CREATED,
    expires: EXPIRES,
  };
  changeKeyFile(file, (keys) => [...keys, key]);
  return text;
}

const log = { ...silentLogger, warn: (_fields: object, message: string) => void warnings.push(message) };
const open = () => new KeyRing({ file, clock, wallClock: { now: () => now }, log });

describe('an API key', () => {
  it('is its principal, and the file has only its hash', () => {
    const text = add('ci');
    const expireTime = new Date(EXPIRES);
    const principal = { subject: 'ci', issuer: 'api-keys', scopes: ['sales.read'], actors: [], expireTime };
    expect(open().verify(text)).toEqual(principal);
    expect(readFileSync(file, 'utf8')).not.toContain(text.slice(-43));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(text).toMatch(/^rondo_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/);
  });

  it('is refused if it is cut off, changed, of another id, or expired', () => {
    const [one, other] = [add('ci'), add('backup')];
    const ring = open();
    const secretOfOther = other.slice(other.indexOf('_', 6));
    const wrong = [
      one.slice(0, -1),
      `${one}A`,
      one.slice(0, -43),
      one.slice(0, 19) + secretOfOther.slice(1),
      one.slice(0, 18) + secretOfOther,
      `${one.slice(0, -1)}${one.endsWith('A') ? 'B' : 'A'}`,
      one.toUpperCase(),
      newApiKey().text,
      'rondo_',
      '',
    ];
    for (const text of wrong) expect(() => ring.verify(text)).toThrow(/unknown, or it is revoked/);
    now = new Date(EXPIRES);
    expect(() => ring.verify(one)).toThrow(/expired/);
  });

  it('is refused within two seconds after it is revoked', async () => {
    const text = add('ci');
    const ring = open();
    ring.watch();
    ring.check();
    changeKeyFile(file, () => []);
    await clock.advance(2_000);
    expect(() => ring.verify(text)).toThrow(/revoked/);
    ring.close();
  });

  it('is accepted as soon as the file has it, also if there was no file', async () => {
    const ring = open();
    const text = add('ci');
    expect(() => ring.verify(text)).toThrow(/unknown/);
    ring.check();
    expect(ring.verify(text).subject).toBe('ci');
    rmSync(file);
    ring.check();
    expect(() => ring.verify(text)).toThrow(/unknown/);
  });

  it('stays while the file is malformed, with one warning', async () => {
    const text = add('ci');
    const ring = open();
    ring.check();
    writeFileSync(file, '{"keys": [');
    ring.check();
    ring.check();
    expect(ring.verify(text).subject).toBe('ci');
    expect(warnings).toHaveLength(1);
    changeToEmpty();
    ring.check();
    expect(() => ring.verify(text)).toThrow(/revoked/);
  });
});

describe('the file', () => {
  it.each([
    ['[]', /"keys" must be a list/],
    ['{"keys":[{}]}', /keys\[0\]\.id must be 12 hexadecimal digits/],
    ['{"keys":[null]}', /keys\[0\]\.id must be/],
    [text({ hash: 'abc' }), /hash must be 64/],
    [text({ scopes: 'sales.read' }), /scopes must be a list/],
    [text({ scopes: ['two words'] }), /scopes must be a list/],
    [text({ expires: 'never' }), /expires must be a time/],
    [text({ subject: 'a\nb' }), /subject must be/],
    [text({}, {}), /two keys have the same id/],
  ])('%s is refused at the start', (content, fault) => {
    mkdirSync(path.dirname(file));
    writeFileSync(file, content);
    expect(open).toThrow(fault);
  });

  it('is changed by one process at a time', () => {
    add('ci');
    expect(() =>
      changeKeyFile(file, (keys) => {
        expect(() => changeKeyFile(file, () => [])).toThrow(/another process is changing/);
        return keys;
      }),
    ).not.toThrow();
    expect(readKeyFile(file)).toHaveLength(1);
    expect(() =>
      changeKeyFile(file, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    add('again');
    expect(readKeyFile(file)).toHaveLength(2);
  });
});

function text(...changes: readonly Partial<Record<keyof StoredKey, unknown>>[]): string {
  const key = {
    id: '0'.repeat(12),
    hash: '0'.repeat(64),
    subject: 'ci',
    scopes: [],
    created: CREATED,
    expires: EXPIRES,
  };
  return JSON.stringify({ keys: changes.map((change) => ({ ...key, ...change })) });
}

const changeToEmpty = () => writeFileSync(file, '{"keys": []}');
