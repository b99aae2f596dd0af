import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { type Account, canReach, type EmbeddedBinaries, sharedFolder } from './binaries.js';

/** Variables of a preloaded library: libfaketime, by which tests shift the clock. */
const PRELOADED = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(LD_PRELOAD|FAKETIME\w*)$/.test(name)),
);

/** The environment of PostgreSQL's programs. No other variable of this process may affect how data is written. */
export const SERVER_ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  ...PRELOADED,
};

/** A cluster: PostgreSQL's term for the data of one server. */
export interface Cluster {
  /** PGDATA. */
  readonly data: string;
  /** The superuser's password. */
  readonly password: string;
  /** The folder of the data, the password and the launcher's records. */
  readonly home: string;
}

/** Opens the cluster in `directory`, and creates it if there is none. */
export function openCluster(directory: string, account: Account, binaries: EmbeddedBinaries): Cluster {
  const home = homeOf(resolve(directory), account);
  const data = join(home, 'data');
  const passwordFile = join(home, 'password');
  if (!existsSync(join(data, 'PG_VERSION'))) initialise(home, account, binaries);
  const major = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim();
  if (major !== binaries.major) {
    throw new Error(
      `The data in ${data} is of PostgreSQL ${major}, this is PostgreSQL ${binaries.major}: ` +
        'dump it with the old version, or remove the folder to start empty.',
    );
  }
  if (!existsSync(passwordFile)) {
    throw new Error(`${passwordFile} is missing, and with it the password of ${data}: restore it, or remove ${home}.`);
  }
  return { home, data, password: readFileSync(passwordFile, 'utf8').trim() };
}

/**
 * `directory` itself, or another folder if the server's account can't enter it (a private folder of root). Then
 * `directory` has a symbolic link, and removing the link starts with empty data, as removing the folder would.
 */
function homeOf(directory: string, account: Account): string {
  mkdirSync(directory, { recursive: true });
  if (canReach(account, directory)) return directory;
  const link = join(directory, 'cluster');
  if (!existsSync(link)) {
    const home = mkdtempSync(join(sharedFolder(), 'cluster-'));
    giveTo(home, account);
    rmSync(link, { force: true });
    symlinkSync(home, link);
  }
  return realpathSync(link);
}

/**
 * A cluster with files from elsewhere: `fill` puts `data` and `password` into an empty home.
 *
 * @returns a function that removes the cluster.
 */
export async function adoptCluster(
  directory: string,
  account: Account,
  fill: (home: string) => Promise<void>,
): Promise<() => void> {
  const home = homeOf(resolve(directory), account);
  const discard = () => rmSync(home, { recursive: true, force: true });
  try {
    await fill(home);
    for (const path of readdirSync(home, { recursive: true, encoding: 'utf8' })) giveTo(join(home, path), account);
    return discard;
  } catch (error) {
    discard();
    throw error;
  }
}

/**
 * Runs initdb into a temporary folder and renames it when it is complete, so that a killed run leaves no partial data.
 * Connections need the password (SCRAM), although only this machine can connect: a superuser can run programs, so with
 * `trust` every local user could run programs as this user.
 */
export function initialise(home: string, account: Account, { initdb }: EmbeddedBinaries): void {
  const password = join(home, 'password');
  const partial = mkdtempSync(join(home, 'initialising-'));
  giveTo(partial, account);
  writeFileSync(password, randomBytes(24).toString('hex'), { mode: 0o600 });
  giveTo(password, account);
  const { status, error, stderr } = spawnSync(initdb, initdbArguments(partial, password), {
    ...account,
    env: SERVER_ENVIRONMENT,
    cwd: '/',
    encoding: 'utf8',
  });
  if (status !== 0) {
    rmSync(partial, { recursive: true, force: true });
    throw new Error(`initdb failed: ${error?.message ?? stderr.trim()}${remedyOf(stderr ?? '', initdb)}`, {
      cause: error,
    });
  }
  renameSync(partial, join(home, 'data'));
}

/** A process of a container may run with an id that no account has. `initdb` starts `postgres` through a shell, in double quotes. */
function remedyOf(stderr: string, initdb: string): string {
  if (/[$"`\\]/.test(initdb))
    return '; move the folder to a path without $, ", \\ and `, which initdb gives to a shell';
  const [, id] = /effective user ID (\d+): user does not exist/.exec(stderr) ?? [];
  if (id === undefined) return '';
  return `; make that account (as root: useradd --uid ${id} rondo), or set RONDO_DATABASE_ADMIN_URL to a server of your own`;
}

/** The built-in `C.UTF-8` sorts by code point and knows the case of every letter, on every system. */
export function initdbArguments(data: string, passwordFile: string): string[] {
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--encoding=UTF8'];
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  return ['-D', data, '--no-instructions', ...locale, ...access];
}

function giveTo(path: string, account: Account): void {
  if (account.uid !== undefined) chownSync(path, account.uid, account.gid);
}
