import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 20;

/** A running process: `startedAt` tells it from an earlier one with the same id. */
export interface ProcessInfo {
  readonly startedAt: string;
  /** Its command line, arguments separated by spaces. */
  readonly command: string;
}

/** The process with this id; undefined when there is none, or when it has ended and only waits to be reaped. */
export function findProcess(pid: number): ProcessInfo | undefined {
  try {
    return process.platform === 'linux' ? readProc(pid) : readPs(pid);
  } catch {
    // ENOENT, ESRCH, or a failing ps: this is how a process that isn't there looks.
    return undefined;
  }
}

/** `proc(5)`: the state and the start time are fields 3 and 22; field 2 is a name that may hold anything but its end. */
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

/** Resolves to whether the process has ended within `timeoutMs`. */
export async function hasEnded(pid: number, timeoutMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + timeoutMs;
  while (findProcess(pid) !== undefined) {
    if (performance.now() > giveUpAt) return false;
    await pause(POLL_MS);
  }
  return true;
}
