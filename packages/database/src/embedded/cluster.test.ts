import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { initialise } from './cluster.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'rondo-cluster-'));
});
afterAll(() => rmSync(home, { recursive: true }));

it('names the remedy if the id of the process has no account, and leaves no part of a cluster', () => {
  const initdb = join(home, 'initdb');
  const line = 'initdb: could not look up effective user ID 12345: user does not exist';
  writeFileSync(initdb, `#!/bin/sh\necho '${line}' >&2\nexit 1\n`, { mode: 0o755 });
  expect(() => initialise(home, {}, { root: home, initdb, postgres: '', major: '18', version: '18.4' })).toThrow(
    `initdb failed: ${line}; make that account (as root: useradd --uid 12345 rondo), or set RONDO_DATABASE_ADMIN_URL`,
  );
  expect(readdirSync(home).sort()).toEqual(['initdb', 'password']);
});

it.each(['a $HOME', 'a "quote"', 'a `tick`', 'a \\n'])('says to move the folder if initdb fails in %s', (name) => {
  const folder = join(home, name);
  mkdirSync(folder);
  const initdb = join(folder, 'initdb');
  writeFileSync(initdb, '#!/bin/sh\necho not found >&2\nexit 1\n', { mode: 0o755 });
  expect(() => initialise(folder, {}, { root: folder, initdb, postgres: '', major: '18', version: '18.4' })).toThrow(
    'initdb failed: not found; move the folder to a path without $, ", \\ and `, which initdb gives to a shell',
  );
});
