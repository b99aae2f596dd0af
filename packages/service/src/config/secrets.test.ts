import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { configure } from './configure.js';
import { url } from './parsers.js';
import { createMask } from './secrets.js';
import { ConfigurationError, type Environment, variable } from './variables.js';

const SECRET = 'postgres://sales:hunter2-hunter2@db/sales';
const variables = { databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:'] }), { secret: true }) };
const read = (environment: Environment) => configure({ port: 1, variables }, environment);

let folder: string;
const file = (name: string, content = '') => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-secrets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function faultOf(environment: Environment): string {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.join('\n');
    throw error;
  }
  throw new Error('there was no fault');
}

describe('a secret variable', () => {
  it('is read from the file that its _FILE variable names, without the line break at its end', () => {
    expect(read({ DATABASE_URL_FILE: file('url', `${SECRET}\r\n`) }).own.databaseUrl).toBe(SECRET);
    expect(read({ RONDO_CACHE_FILE: file('redis', 'redis://h\n'), DATABASE_URL: SECRET }).shared.cache).toBe(
      'redis://h',
    );
    expect(read({ DATABASE_URL: SECRET, DATABASE_URL_FILE: ' ' }).own.databaseUrl).toBe(SECRET);
  });

  it('may not be given twice', () => {
    expect(faultOf({ DATABASE_URL: SECRET, DATABASE_URL_FILE: '/run/secrets/url' })).toBe(
      'DATABASE_URL and DATABASE_URL_FILE are both set: give one of them',
    );
  });

  it.each([
    [
      'is missing',
      () => join(folder, 'none'),
      /^DATABASE_URL_FILE=.*none can't be read: ENOENT.*a file that holds DATABASE_URL$/,
    ],
    ['is a folder', () => folder, /^DATABASE_URL_FILE=.* is not a file: /],
    ['would never end', () => '/dev/zero', /^DATABASE_URL_FILE=\/dev\/zero is not a file: /],
    ['is empty', () => file('empty', '\n'), /^DATABASE_URL_FILE=.* is empty: /],
    [
      'is large',
      () => {
        const path = file('large');
        truncateSync(path, 2 ** 30);
        return path;
      },
      /^DATABASE_URL_FILE=.* has 1073741824 bytes, and a secret has at most 65536: /,
    ],
  ])('names its file if that %s', (_what, path, fault) => {
    expect(faultOf({ DATABASE_URL_FILE: path() })).toMatch(fault);
  });

  it.each(['hunter2-hunter2', 'hunter2-hunter2://db', 'hunter2-hunter2:x@db', 'http://:hunter2-hunter2@db'])(
    'is not shown if %s is wrong',
    (text) => {
      const faults = [faultOf({ DATABASE_URL: text }), faultOf({ DATABASE_URL_FILE: file('wrong', text) })];
      for (const fault of faults) expect(fault).not.toContain('hunter2');
      expect(faults[0]).toContain('DATABASE_URL=(hidden)');
    },
  );

  it('has a _FILE variable whose misspelling is reported', () => {
    expect(faultOf({ RONDO_CACHE_FIEL: 'x' })).toContain('RONDO_CACHE_FIEL is not read: is RONDO_CACHE_FILE meant?');
  });
});

describe('the mask', () => {
  it('finds the secrets of an environment', () => {
    const shared = { RONDO_CACHE: 'rediss://:open-sesame-1@h', RONDO_TOPICS: 'nats://ann:open-sesame-2@h' };
    const { secrets } = read({ DATABASE_URL_FILE: file('url', SECRET), ...shared });
    expect(createMask(secrets)(`a ${SECRET} b open-sesame-1 c hunter2-hunter2 d open-sesame-2`)).toBe(
      'a (hidden) b (hidden) c (hidden) d (hidden)',
    );
  });

  it.each([
    ['as it is', 'open%20"sesame"%2F'],
    ['decoded', 'open "sesame"/'],
    ['in JSON', String.raw`open \"sesame\"/`],
    ['encoded', 'open%20%22sesame%22%2F'],
  ])('finds the password of a URL %s', (_how, text) => {
    const mask = createMask(['etcd://root:open%20"sesame"%2F@etcd-1:2379,etcd-2:2379']);
    expect(mask(`<${text}>`)).toBe('<(hidden)>');
  });

  it.each([
    ['nats://u:open-sesame?x@h', 'open-sesame is no HOST:PORT'],
    ['nats://u:x/open-sesame@h', 'x/open-sesame'],
    ['postgres://h/d?user=u&password=open-sesame', 'open-sesame'],
  ])('finds the parts of a password in %s', (url, text) => {
    expect(createMask([url])(text)).not.toContain('open-sesame');
  });

  it('leaves short words alone, and text without secrets', () => {
    expect(createMask(['postgres://rondo:rondo@h/d', ''])('rondo is up')).toBe('rondo is up');
  });
});
