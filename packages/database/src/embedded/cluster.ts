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

/** A library that is loaded into every process, and what it reads: libfaketime's clock, which tests shift. */
const PRELOADED = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(LD_PRELOAD|FAKETIME\w*)$/.test(name)),
);

/** The environment of PostgreSQL's programs: nothing of ours may change how data is written. */
export const SERVER_ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
  ...PRELOADED,
};

/** A cluster: PostgreSQL's word for the data of one server. */
export interface Cluster {
  /** PGDATA. */
  readonly data: string;
  /** The superuser's password. */
  readonly password: string;
  /** What the launcher remembers between runs stands here. */
  readonly home: string;
}

/** Opens the cluster in `directory`, and makes it first if there is none. */
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
 * `directory` itself, or, where the server's account can't enter it (root's private folders), a folder that it can,
 * with a symbolic link in `directory`: removing the link starts empty, as removing the folder would.
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
 * A cluster whose files come from elsewhere: `fill` puts them into an empty home, `data` and `password`.
 *
 * @returns what removes it again.
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
 * initdb into a folder beside, renamed when it is complete: a run that is killed leaves nothing half made. Connections
 * need the password (SCRAM) although only this machine can connect: a superuser can run programs, so with `trust`
 * every local user could run them as this one.
 */
function initialise(home: string, account: Account, { initdb }: EmbeddedBinaries): void {
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
    throw new Error(`initdb failed: ${error?.message ?? stderr.trim()}`, { cause: error });
  }
  renameSync(partial, join(home, 'data'));
}

/** The built-in `C.UTF-8` sorts by code point and knows every letter's case, on every system alike. */
function initdbArguments(data: string, passwordFile: string): string[] {
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--encoding=UTF8'];
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  return ['-D', data, '--no-instructions', ...locale, ...access];
}

function giveTo(path: string, account: Account): void {
  if (account.uid !== undefined) chownSync(path, account.uid, account.gid);
}
