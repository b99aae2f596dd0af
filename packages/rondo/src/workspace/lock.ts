/** Locks between processes. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { link, mkdir, open, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { console } from '../terminal/console.js';
import { codeOf } from './errors.js';
import { isWritable } from './files.js';
import { root } from './paths.js';

const POLL_MS = 50;

export interface LockOptions {
  /** The work of the holder, shown to processes that wait: `rondo new service greeter`. */
  readonly purpose: string;
  /** Ends the wait. It doesn't affect `work`. */
  readonly signal: AbortSignal;
  /** Called once if there is a holder, with that: `rondo dev (process 4711)`. What it throws ends the wait. */
  readonly onHeld: (holder: string) => void;
}

/**
 * Does `work` while it holds the lock `file`, against other processes and other calls in this process. A lock whose
 * holder has died is free. The lock isn't re-entrant: `work` must not ask for it.
 *
 * @throws AbortError if `signal` ends the wait. Whatever `onHeld` or `work` throws.
 */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(file, options);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string, { purpose, signal, onHeld }: LockOptions): Promise<void> {
  for (let isReported = false; ; ) {
    signal.throwIfAborted();
    if (await tryAcquire(file, purpose)) return;
    const holder = await readHolder(file);
    if (holder === undefined) continue; // it was released meanwhile
    if (!isAlive(holder)) {
      await removeStale(file, purpose);
      continue;
    }
    if (!isReported) onHeld(describeHolder(holder));
    isReported = true;
    await setTimeout(POLL_MS, undefined, { signal });
  }
}

/** Creates the lock file with its content in one step: a reader never finds a lock without a holder. */
async function tryAcquire(file: string, purpose: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(draft, '');
  const { pid } = process;
  const holder: Holder = { pid, started: startOf(pid), purpose, inode: (await stat(draft)).ino };
  await writeFile(draft, JSON.stringify(holder));
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft);
  }
}

/**
 * Removes the lock of a dead holder. If two processes find it, the slower one must not remove the lock that the faster
 * one has taken meanwhile. So one at a time checks again and removes it.
 */
async function removeStale(file: string, purpose: string): Promise<void> {
  const guard = `${file}.removal`;
  if (!(await tryAcquire(guard, purpose))) {
    const remover = await readHolder(guard);
    if (remover !== undefined && !isAlive(remover)) await rm(guard, { force: true });
    return;
  }
  try {
    const holder = await readHolder(file);
    if (holder !== undefined && !isAlive(holder)) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** The process that has a lock, for messages; undefined if it is free. */
export async function livingHolder(file: string): Promise<string | undefined> {
  const holder = await readHolder(file);
  return holder !== undefined && isAlive(holder) ? describeHolder(holder) : undefined;
}

async function readHolder(file: string): Promise<FoundHolder | undefined> {
  try {
    const found = await open(file);
    try {
      const holder = parseHolder(await found.readFile('utf8'));
      return { ...holder, isCopied: holder.inode !== undefined && holder.inode !== (await found.stat()).ino };
    } finally {
      await found.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new Error(`${file} can't be read; remove it if no other command is running here`, { cause: error });
  }
}

interface Holder {
  readonly pid: number;
  /**
   * Distinguishes the process from a later one with the same id, even across a restart of the machine; '' if that is unknown.
   */
  readonly started: string;
  readonly purpose: string;
  /** That of the lock file. */
  readonly inode?: number;
}

interface FoundHolder extends Holder {
  /** Whether the file came here with the copy of a folder, whose original the process holds. */
  readonly isCopied: boolean;
}

/** @throws Error if `text` names no process. */
function parseHolder(text: string): Holder {
  const { pid, started, purpose, inode } = JSON.parse(text);
  if (!Number.isSafeInteger(pid)) throw new TypeError('it names no process');
  return { pid: Number(pid), started: String(started ?? ''), purpose: String(purpose), inode };
}

/** Whether the holder still runs, and holds this lock. */
function isAlive({ pid, started, isCopied }: FoundHolder): boolean {
  return !isCopied && isRunning(pid) && (started === '' || started === startOf(pid));
}

/** For messages: `rondo dev (process 4711)`. */
const describeHolder = ({ pid, purpose }: Holder) => `${purpose} (process ${pid})`;

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user can't be signalled, but it is running.
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Identifies the start of a process. `proc(5)`: field 22 is the start time in ticks since the machine's start; field 2
 * is a name that may contain spaces.
 */
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

/**
 * Does `work` while no other command installs packages, generates code or compiles in this clone. It waits as long as the other
 * command lives, and says so on standard error.
 *
 * @param purpose What the work is, for the commands that wait for it.
 * @param signal Ends the wait.
 */
export const withBuild = <T>(purpose: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
  alone('build.lock', { purpose: `another command's step "${purpose}"`, signal }, work);

/** Does `work` while no other command, such as `rondo new`, writes files of this clone, and waits as {@link withBuild} does. */
export const withTree = <T>(purpose: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> =>
  alone('change.lock', { purpose, signal }, work);

async function alone<T>(
  file: string,
  {
    purpose,
    signal = new AbortController().signal,
  }: { readonly purpose: string; readonly signal?: AbortSignal | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const folder = path.join(root, '.rondo');
  if (!isWritable(existsSync(folder) ? folder : root)) return await work(); // this user builds nothing of the clone
  const onHeld = (holder: string) => console.error(`Waiting for ${holder} …`);
  return await withLock(path.join(folder, file), { purpose, signal, onHeld }, work);
}
