/** Installs the workspace with the pinned pnpm if the lock file or a manifest has changed since the last time. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { console } from '../terminal/console.js';
import { manifestFolders, readJson } from '../workspace/files.js';
import { withBuild } from '../workspace/lock.js';
import { root } from '../workspace/paths.js';
import { type Ended, executable, run } from '../workspace/process.js';

/** The digest of what is installed. scripts/rondo.mjs, which installs an empty clone, leaves it empty; the first look fills it in. */
const stamp = path.join(root, 'node_modules/.rondo-installed');

interface InstallOptions {
  /** Whether to update the lock file to the manifests; otherwise they must agree. */
  readonly relock?: boolean;
  /** Whether to print only what pnpm says if it fails. */
  readonly quiet?: boolean;
  /** Ends the wait for another command's build. */
  readonly signal?: AbortSignal;
}

/** Resolves to false if it failed; pnpm has printed why. */
export async function install({ signal, ...how }: InstallOptions = {}): Promise<boolean> {
  return installed() || (await withBuild('install', () => installNow(how), signal));
}

async function installNow({ relock, quiet = false }: InstallOptions): Promise<boolean> {
  if (installed()) return true; // by the command that this one has waited for
  if (!quiet) console.log('Installing packages …');
  const how = relock ? ['--no-frozen-lockfile', '--prefer-offline'] : ['--frozen-lockfile'];
  const { code, output } = await runPnpm(['install', ...how], { show: !quiet });
  if (code === 0) return record();
  console.error(output || `Packages could not be installed. If a package.json changed: ./rondo install`);
  return false;
}

function record(): true {
  writeFileSync(stamp, fingerprint());
  return true;
}

/** Holds the PATH that npx gave to pnpm, in which it is. npx alone takes longer than pnpm does to add a service. */
const location = '.rondo/pnpm';

/**
 * Runs the pinned pnpm: by npx the first time, as corepack doesn't start on every Node 20, and an installed pnpm may have another
 * version.
 */
export function runPnpm(args: readonly string[], { show = false }: { readonly show?: boolean } = {}): Promise<Ended> {
  const options = { show, env: { CI: 'true' } }; // CI: pnpm asks no questions
  const pnpm = locatePnpm();
  if (pnpm !== undefined) return run(pnpm, args, options);
  mkdirSync(path.join(root, path.dirname(location)), { recursive: true });
  const line = `node -p process.env.PATH > ${location} && pnpm ${args.map((arg) => `"${arg}"`).join(' ')}`;
  return run('npx', ['--yes', `--package=${pinned()}`, '--call', line], options);
}

/** The pinned version, as `pnpm@<version>`. */
const pinned = (): string => readJson(path.join(root, 'package.json')).packageManager;

/** The program that npx ran last time; undefined if it is gone, or if another version is pinned now. */
function locatePnpm(): string | undefined {
  const file = path.join(root, location);
  const folders = existsSync(file) ? readFileSync(file, 'utf8').trim().split(path.delimiter) : [];
  return folders
    .map((bin) => path.join(bin, '../pnpm'))
    .find(isPinned)
    ?.concat(path.sep, executable('pnpm'));
}

function isPinned(folder: string): boolean {
  try {
    return `pnpm@${readJson(path.join(folder, 'package.json')).version}` === pinned();
  } catch {
    return false;
  }
}

/** Whether the installed packages are those of the lock file and the manifests. */
export function installed(): boolean {
  if (!existsSync(stamp)) return false;
  const recorded = readFileSync(stamp, 'utf8');
  return recorded === '' ? record() : recorded === fingerprint();
}

/** A digest of what pnpm's result depends on. Node's version isn't part of it: no package is compiled for one. */
function fingerprint(): string {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  const manifests = manifestFolders(root).map((folder) => `${folder}/package.json`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests]) {
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  }
  return hash.digest('hex');
}
