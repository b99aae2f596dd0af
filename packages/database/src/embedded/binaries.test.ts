import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { canReach, copyOnce, locateEmbeddedBinaries, openToOthers, serverAccount, sharedFolder } from './binaries.js';

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

describe('on a system without glibc', () => {
  const loaders = { [`${process.platform}-${process.arch}`]: '/nowhere/ld-linux.so' };
  /** A folder of the PATH with a PostgreSQL that says this version. */
  const withPostgres = (version: string) => {
    const bin = join(folder, version);
    mkdirSync(bin);
    for (const name of ['initdb', 'postgres']) {
      writeFileSync(join(bin, name), `#!/bin/sh\necho '${name} (PostgreSQL) ${version}'\n`, { mode: 0o755 });
    }
    return bin;
  };

  it('takes the first PostgreSQL of the PATH that is new enough', () => {
    const bin = withPostgres('17.6');
    const path = ['/nowhere', withPostgres('16.10 (Debian)'), bin, withPostgres('18.0')].join(delimiter);
    const programs = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
    expect(locateEmbeddedBinaries({ loaders, path })).toEqual({
      ...programs,
      version: '17.6',
      major: '17',
      root: undefined,
    });
  });

  it('says what is missing, and what to do, if there is none', () => {
    expect(() => locateEmbeddedBinaries({ loaders, path: withPostgres('16.10') })).toThrow(
      "The embedded PostgreSQL needs glibc, which this system doesn't have, and the PATH has no PostgreSQL 17 or newer: install it, " +
        'or set RONDO_DATABASE_ADMIN_URL to a PostgreSQL of your own',
    );
  });
});
