/** Checks of the machine and its programs. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { freemem, homedir, totalmem } from 'node:os';
import path from 'node:path';
import { watchTree } from '../dev/tree.js';
import { messageOf } from '../workspace/errors.js';
import { root } from '../workspace/paths.js';
import { gitFault, run } from '../workspace/process.js';
import { fail, note, type Outcome, ok, type Subject, warn } from './finding.js';
import { nearest } from './runtime.js';
import { ask } from './system.js';

const GIB = 1024 ** 3;
const NEEDED = { diskGib: 1, memoryGib: 1, openFiles: 1024, threads: 400 };
/** The first Node that lets a server set how many streams a client may reset. */
const RESETS_SINCE = '22.11';
const GLIBC_LOADERS = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'];
const ELSEWHERE = 'run it with docker compose up --build, or in WSL 2';

export function platform(): Outcome {
  const name = `${process.platform} ${process.arch}`;
  if (process.platform === 'darwin') return ok(name);
  if (process.platform !== 'linux') return note(`${name}: only the workflow tries it there`, ELSEWHERE);
  if (GLIBC_LOADERS.some((loader) => existsSync(loader))) return ok(`${name}, glibc`);
  return note(`${name} without glibc (musl?): the embedded PostgreSQL doesn't run here`);
}

export function node(): Outcome {
  const found = process.versions.node;
  if (found.localeCompare(RESETS_SINCE, 'en', { numeric: true }) >= 0) return ok(`v${found}`);
  const detail = `v${found}: a client of another library that cancels over 1,000 calls at once, or 33 a second, is disconnected`;
  return note(detail, `install Node ${RESETS_SINCE} or newer: there Rondo raises that limit`);
}

export async function npm(): Promise<Outcome> {
  const version = await ask('npm', ['--version']);
  if (version !== undefined) return ok(version);
  try {
    homedir();
  } catch {
    return fail(
      'ends: neither HOME nor an entry in /etc/passwd says where the home of this account is',
      'export HOME=/tmp',
    );
  }
  return fail("isn't found, and every script of the workspace needs it", 'put npm, which comes with Node, on the PATH');
}

export async function git(): Promise<Outcome> {
  const version = await ask('git', ['--version']);
  if (version === undefined)
    return warn("isn't found: npm run check can't compare contracts with those of main", 'install git');
  const { code, output } = await run('git', ['rev-parse', '--is-inside-work-tree']);
  const [fault = '', remedy] = gitFault(output)
    .replace(/^git /, '')
    .split(/: (.*)/);
  if (output.trim() === 'true') return ok(version.replace('git version ', ''));
  if (code === 0) return fail('takes this folder for one without files', 'git config core.bare false');
  if (fault.startsWith('refuses')) return fail(fault, remedy);
  if (existsSync(path.join(root, '.git'))) return fail('refuses this repository', 'git status says why');
  return note('knows no files here: npm test -- --changed needs them', remedy);
}

export async function disk({ data }: Subject): Promise<Outcome> {
  const { bavail, bsize } = await statfs(nearest(data));
  const gib = (bavail * bsize) / GIB;
  const detail = `${gib.toFixed(1)} GiB free for ${data}`;
  if (gib >= NEEDED.diskGib) return ok(detail);
  const why = 'packages, builds and the database take about one';
  return gib < NEEDED.diskGib / 4
    ? fail(`${detail}: ${why}`, 'free some, or npm start -- --data DIR elsewhere')
    : warn(`${detail}: ${why}`, 'free some');
}

export function memory(): Outcome {
  // On Linux, memory that is free or reclaimable, within a container's limit. macOS reports less than can be had.
  const gib = (process.platform === 'darwin' ? totalmem() : (process.availableMemory?.() ?? freemem())) / GIB;
  const detail = `${gib.toFixed(1)} GiB available`;
  if (gib >= NEEDED.memoryGib) return ok(detail);
  return warn(`${detail}: a whole system takes about half of one, a build as much`, 'end what else runs');
}

/** Watches as `rondo dev` does. */
export function watches(): Outcome {
  try {
    watchTree(root).close();
    return ok('enough for rondo dev');
  } catch (error) {
    const message = messageOf(error);
    const [, detail, remedy] = /^(.*?\)): (.*)$/.exec(message) ?? [message, message];
    return warn(`rondo dev can't start: ${detail}`, remedy);
  }
}

export const openFiles = (): Promise<Outcome> =>
  limit(['/bin/sh', '-n'], NEEDED.openFiles, { each: 'a process', why: 'each connection takes one' });

/** With too few, Node hangs or aborts before it runs any of Rondo's code. */
export async function threads(): Promise<Outcome> {
  if (process.getuid?.() === 0) return ok('no limit for root');
  const why = "each of Rondo's processes takes 11, and Node hangs or aborts without them";
  return limit(['bash', '-u'], NEEDED.threads, { each: 'for all processes of this account', why });
}

async function limit(
  [shell, option]: readonly [shell: string, option: string],
  needed: number,
  { each, why }: { readonly each: string; readonly why: string },
): Promise<Outcome> {
  const found = await ask(shell, ['-c', `ulimit ${option}`]);
  if (found === undefined) return note("the limit isn't known");
  if (found === 'unlimited') return ok('no limit');
  const detail = `${found} ${each}`;
  return Number(found) >= needed ? ok(detail) : warn(`${detail}: ${why}`, `ulimit ${option} ${needed}`);
}
