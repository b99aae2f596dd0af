import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster } from './cluster.js';

const FAST_STOP_MS = 10_000;
const IMMEDIATE_STOP_MS = 5_000;

/** Records which launcher the server belongs to, so that the next launcher can tell a leftover from a server in use. */
export function recordLauncher({ home }: Cluster): void {
  const startedAt = findProcess(process.pid)?.startedAt ?? '';
  writeFileSync(join(home, 'launcher'), `${process.pid}\n${startedAt}\n`);
}

/** The record is removed when the server has ended. */
export function removeLauncherRecord({ home }: Cluster): void {
  rmSync(join(home, 'launcher'), { force: true });
}

/**
 * Clears what an earlier launcher left. A server that outlived it is stopped. A lock file whose process id now belongs
 * to another program is neutralized.
 *
 * @throws Error if the earlier launcher is alive: the folder is in use.
 */
export async function clearLeftover(cluster: Cluster, log: (line: string) => void): Promise<void> {
  const lockFile = join(cluster.data, 'postmaster.pid');
  const [firstLine, ...rest] = linesOf(lockFile);
  const pid = Number(firstLine ?? '');
  // PostgreSQL itself checks a lock file of an ended process, and also looks for orphaned sessions.
  if (!Number.isInteger(pid) || pid <= 0 || findProcess(pid) === undefined) return;
  if (!isServerOf(cluster, pid)) {
    // PostgreSQL would refuse to start because of the other program, but it ignores the id of its own parent.
    // Removing the file instead would skip its check for orphaned sessions.
    writeFileSync(lockFile, [process.pid, ...rest].join('\n'));
    return;
  }
  const launcher = liveLauncher(cluster);
  if (launcher !== undefined) {
    throw new Error(`The data in ${cluster.data} is in use by process ${launcher}: stop that one first.`);
  }
  log(`stopping PostgreSQL ${pid}, which outlived the process that started it`);
  await stopServer(pid);
}

/** Stops a server: "fast" (open transactions are rolled back), then "immediate" (recovery at the next start). */
export async function stopServer(pid: number): Promise<void> {
  signal(pid, 'SIGINT');
  if (await hasEnded(pid, FAST_STOP_MS)) return;
  signal(pid, 'SIGQUIT');
  if (!(await hasEnded(pid, IMMEDIATE_STOP_MS))) throw new Error(`PostgreSQL ${pid} can't be stopped: end it by hand.`);
}

function signal(pid: number, name: 'SIGINT' | 'SIGQUIT'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (findProcess(pid) !== undefined) throw error;
  }
}

/** The postmaster is started with `-D <data>`, and keeps that command line. */
function isServerOf({ data }: Cluster, pid: number): boolean {
  return findProcess(pid)?.command.includes(`-D ${data} `) ?? false;
}

function liveLauncher({ home }: Cluster): number | undefined {
  const [pid, startedAt] = linesOf(join(home, 'launcher'));
  const found = pid === undefined ? undefined : findProcess(Number(pid));
  return found !== undefined && found.startedAt === startedAt ? Number(pid) : undefined;
}

function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}

/** A running server that another process started. */
interface FoundServer {
  /** The superuser's address. */
  readonly url: string;
  /** The folder of its data and password. */
  readonly home: string;
}

/** The server that runs on a folder of `startEmbeddedPostgres`; undefined if there is none. */
export function findServer(directory: string): FoundServer | undefined {
  const data = [join(resolve(directory), 'data'), join(resolve(directory), 'cluster', 'data')].find(existsSync);
  const lockFile = data && join(data, 'postmaster.pid');
  if (data === undefined || lockFile === undefined || !existsSync(lockFile)) return undefined;
  // pid, data folder, start time, port, … (PostgreSQL's pidfile.h)
  const [pid, started = '', , port] = readFileSync(lockFile, 'utf8').split('\n');
  // The copy of a folder has the lock file of the original.
  if (!existsSync(started) || realpathSync(started) !== realpathSync(data)) return undefined;
  if (port === undefined || !(findProcess(Number(pid))?.command.includes('-D ') ?? false)) return undefined;
  const home = realpathSync(dirname(data));
  const password = readFileSync(join(home, 'password'), 'utf8').trim();
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, home };
}

const POLL_MS = 20;

/** A running process. `startedAt` distinguishes it from an earlier process with the same id. */
interface ProcessInfo {
  readonly startedAt: string;
  /** Its command line, with spaces between arguments. */
  readonly command: string;
}

/** The process with this id; undefined if there is none, or if it is a zombie. */
export function findProcess(pid: number): ProcessInfo | undefined {
  try {
    return process.platform === 'linux' ? readProc(pid) : readPs(pid);
  } catch {
    // ENOENT, ESRCH, or a failing ps: the process doesn't exist.
    return undefined;
  }
}

/**
 * `proc(5)`: fields 3 and 22 are the state and the start time; field 2 is a name in parentheses that may contain any
 * character.
 */
function readProc(pid: number): ProcessInfo | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startedAt = rest[18];
  if (state === 'Z' || state === 'X' || startedAt === undefined) return undefined;
  return { startedAt, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') };
}

function readPs(pid: number): ProcessInfo | undefined {
  const ps = (...columns: string[]) =>
    execFileSync('ps', ['-ww', ...columns.flatMap((column) => ['-o', `${column}=`]), '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    }).trim();
  if (ps('stat').startsWith('Z')) return undefined;
  return { startedAt: ps('lstart'), command: ps('command') };
}

/** Resolves to whether the process ended within `timeoutMs`. */
async function hasEnded(pid: number, timeoutMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + timeoutMs;
  while (findProcess(pid) !== undefined) {
    if (performance.now() > giveUpAt) return false;
    await pause(POLL_MS);
  }
  return true;
}
