/** Installs the workspace with the pinned pnpm if the lock file or a manifest has changed since the last time. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withBuild } from './build-lock.mjs';
import { executable, root, run } from './process.mjs';

const stamp = path.join(root, 'node_modules/.rondo-installed');

/**
 * @param {{ relock?: boolean, signal?: AbortSignal }} [options] `relock` updates the lock file to the manifests; otherwise they must
 *   agree. `signal` ends the wait for another command's build.
 * @returns {Promise<boolean>} False if it failed; pnpm has printed why.
 */
export const install = async ({ relock = false, signal } = {}) =>
  installed() || (await withBuild('install', () => installNow(relock), signal));

async function installNow(relock) {
  if (installed()) return true; // by the command that this one has waited for
  console.log('Installing packages …');
  const how = relock ? ['--no-frozen-lockfile', '--prefer-offline'] : ['--frozen-lockfile'];
  const { code, output } = await runPnpm(['install', ...how], { show: true });
  if (code !== 0) {
    console.error(
      output || `Packages could not be installed. If a package.json changed: npx --yes ${pinned()} install`,
    );
    return false;
  }
  writeFileSync(stamp, fingerprint());
  return true;
}

/** Holds the PATH that npx gave to pnpm, in which it is. npx alone takes longer than pnpm does to add a service. */
const location = '.rondo/pnpm';

/**
 * Runs the pinned pnpm: by npx the first time, as corepack doesn't start on every Node 20, and an installed pnpm may have another
 * version.
 * @param {string[]} args
 * @param {{ show?: boolean }} [options] As those of `run`.
 */
export function runPnpm(args, { show = false } = {}) {
  const options = { show, env: { CI: 'true' } }; // CI: pnpm asks no questions
  const pnpm = locatePnpm();
  if (pnpm !== undefined) return run(pnpm, args, options);
  mkdirSync(path.join(root, path.dirname(location)), { recursive: true });
  const line = `node -p process.env.PATH > ${location} && pnpm ${args.join(' ')}`;
  return run('npx', ['--yes', `--package=${pinned()}`, '--call', line], options);
}

/** The pinned version, as `pnpm@<version>`. */
const pinned = () => JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).packageManager;

/** The program that npx ran last time; undefined if it is gone, or if another version is pinned now. */
function locatePnpm() {
  const file = path.join(root, location);
  const folders = existsSync(file) ? readFileSync(file, 'utf8').trim().split(path.delimiter) : [];
  return folders
    .map((bin) => path.join(bin, '../pnpm'))
    .find(isPinned)
    ?.concat(path.sep, executable('pnpm'));
}

function isPinned(folder) {
  try {
    return `pnpm@${JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version}` === pinned();
  } catch {
    return false;
  }
}

/** Whether the installed packages are those of the lock file and the manifests. */
export function installed() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint();
}

/** A digest of what pnpm's result depends on. Node's version isn't part of it: no package is compiled for one. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}`);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests()]) {
    hash.update(`\0${file}\0`).update(readFileSync(path.join(root, file)));
  }
  return hash.digest('hex');
}

function manifests() {
  const folders = ['packages', 'services'].flatMap((parent) =>
    existsSync(path.join(root, parent)) ? readdirSync(path.join(root, parent)).map((name) => `${parent}/${name}`) : [],
  );
  return ['.', 'e2e', 'lab', 'scripts', ...folders.sort()]
    .map((folder) => `${folder}/package.json`)
    .filter((file) => existsSync(path.join(root, file)));
}
