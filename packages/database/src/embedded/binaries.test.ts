import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { canReach, copyOnce, openToOthers, serverAccount, sharedFolder } from './binaries.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rondo-binaries-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('opens a copy to the account of the server that was installed and made under umask 077', () => {
  const [installed, copy] = [join(folder, 'installed'), join(folder, 'copy')];
  const before = process.umask(0o077);
  try {
    mkdirSync(join(installed, 'bin'), { recursive: true });
    mkdirSync(join(installed, 'lib'));
    writeFileSync(join(installed, 'bin/postgres'), '#!/bin/sh\n', { mode: 0o700 });
    writeFileSync(join(installed, 'lib/libpq.so.5'), 'library', { mode: 0o600 });
    symlinkSync('libpq.so.5', join(installed, 'lib/libpq.so'));
    copyOnce(installed, copy);
  } finally {
    process.umask(before);
  }
  openToOthers(copy);
  const mode = (name: string) => (statSync(join(copy, name)).mode & 0o777).toString(8);
  expect(['', 'bin', 'bin/postgres', 'lib', 'lib/libpq.so'].map(mode)).toEqual(['755', '755', '755', '755', '644']);
  expect(canReach(serverAccount(), join(copy, 'bin/postgres'))).toBe(true);
});

it('opens the folder of the copy, which umask 077 had closed, and refuses one that is not of root', () => {
  const shared = join(folder, 'shared');
  mkdirSync(shared, { mode: 0o700 });
  if (process.getuid?.() === 0) expect(canReach(serverAccount(), sharedFolder(shared))).toBe(true);
  chmodSync(shared, 0o777);
  expect(() => sharedFolder(shared)).toThrow(
    `${shared} belongs to, or can be changed by, others than root: remove it.`,
  );
});
