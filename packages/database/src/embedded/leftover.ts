import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cluster } from './cluster.js';
import { findProcess, hasEnded } from './process-table.js';

const FAST_STOP_MS = 10_000;
const IMMEDIATE_STOP_MS = 5_000;

/** Remembers which launcher the server belongs to, so that the next one can tell a leftover from a rival. */
export function recordLauncher({ home }: Cluster): void {
  const startedAt = findProcess(process.pid)?.startedAt ?? '';
  writeFileSync(join(home, 'launcher'), `${process.pid}\n${startedAt}\n`);
}

/** The claim ends with the server. */
export function removeLauncherRecord({ home }: Cluster): void {
  rmSync(join(home, 'launcher'), { force: true });
}

/**
 * Clears what an earlier launcher left: a server that outlived it is stopped, and a lock file whose process id now
 * belongs to another program no longer stands in the way.
 *
 * @throws Error when that launcher is alive: the folder is in use.
 */
export async function clearLeftover(cluster: Cluster, log: (line: string) => void): Promise<void> {
  const lockFile = join(cluster.data, 'postmaster.pid');
  const [firstLine, ...rest] = linesOf(lockFile);
  const pid = Number(firstLine ?? '');
  // A lock file of a process that has ended is PostgreSQL's to judge: it also looks for orphaned sessions.
  if (!Number.isInteger(pid) || pid <= 0 || findProcess(pid) === undefined) return;
  if (!isServerOf(cluster, pid)) {
    // PostgreSQL would refuse for the sake of whoever has that id now, but it passes over the id of its own parent.
    // Removing the file instead would take its look for orphaned sessions away.
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

/** Ends a server: "fast" (open transactions are rolled back), then "immediate" (recovery at the next start). */
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
