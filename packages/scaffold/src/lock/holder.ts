import { readFileSync } from 'node:fs';
import { isErrorOf } from '../thrown.js';

/** Who holds a lock, as its file says. */
export interface Holder {
  readonly pid: number;
  /** Tells the process from a later one with the same id, also across a restart of the machine; '' where it can't be told. */
  readonly started: string;
  /** What it holds the lock for. */
  readonly purpose: string;
}

/** This process, as a holder. */
export function ourselves(purpose: string): Holder {
  return { pid: process.pid, started: startOf(process.pid), purpose };
}

/** @throws Error when `text` doesn't say who. */
export function parseHolder(text: string): Holder {
  const { pid, started, purpose }: Partial<Record<keyof Holder, unknown>> = JSON.parse(text);
  if (!Number.isSafeInteger(pid)) throw new TypeError('it names no process');
  return { pid: Number(pid), started: String(started ?? ''), purpose: String(purpose) };
}

/** Whether the process that wrote this still runs. */
export function isAlive({ pid, started }: Holder): boolean {
  return isRunning(pid) && (started === '' || started === startOf(pid));
}

/** For people: `rondo dev (process 4711)`. */
export const describeHolder = ({ pid, purpose }: Holder): string => `${purpose} (process ${pid})`;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process can't be signalled, and lives.
    return isErrorOf(error, 'EPERM');
  }
}

/** `proc(5)`: the start time, in ticks since the machine's start, is field 22; field 2 is a name that may hold spaces. */
function startOf(pid: number): string {
  if (process.platform !== 'linux') return '';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return 'gone';
  }
}
