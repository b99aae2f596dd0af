/** Locks between processes. It works before anything is installed or built; its types stand in lock.d.mts. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, mkdir, open, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

const POLL_MS = 50;

/**
 * Does `work` while it holds the lock `file`, against other processes and other calls in this process. A lock whose
 * holder has died is free. The lock isn't re-entrant: `work` must not ask for it.
 *
 * @throws {Error} that names the holder, after `timeoutMs`. AbortError if `signal` ends the wait. Whatever `work`
 *   throws.
 */
export async function withLock(file, options, work) {
  await acquire(file, options);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file, options) {
  const { what, purpose, signal, timeoutMs, remedy, onWait } = options;
  /** Counted from the first look that found a holder, however long that look took. */
  let endsAt;
  for (;;) {
    signal.throwIfAborted();
    if (await tryAcquire(file, purpose)) return;
    const holder = await readHolder(file);
    if (holder === undefined) continue; // it was released meanwhile
    if (!isAlive(holder)) {
      await removeStale(file, purpose);
      continue;
    }
    const isReported = endsAt !== undefined;
    endsAt ??= performance.now() + timeoutMs;
    if (performance.now() >= endsAt) throw new Error(`${what} is in use by ${describeHolder(holder)}; ${remedy}`);
    if (!isReported) onWait?.(describeHolder(holder));
    await setTimeout(POLL_MS, undefined, { signal });
  }
}

/** Creates the lock file with its content in one step: a reader never finds a lock without a holder. */
async function tryAcquire(file, purpose) {
  const draft = `${file}.${randomUUID()}`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(draft, '');
  await writeFile(draft, JSON.stringify(currentHolder(purpose, (await stat(draft)).ino)));
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft);
  }
}

/**
 * Removes the lock of a dead holder. If two processes find it, the slower one must not remove the lock that the faster
 * one has taken meanwhile. So one at a time checks again and removes it.
 */
async function removeStale(file, purpose) {
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

/** @returns {Promise<Holder | undefined>} */
async function readHolder(file) {
  try {
    const found = await open(file);
    try {
      const holder = parseHolder(await found.readFile('utf8'));
      return { ...holder, isCopied: holder.inode !== undefined && holder.inode !== (await found.stat()).ino };
    } finally {
      await found.close();
    }
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${file} can't be read; remove it if no other command is running here`, { cause: error });
  }
}

/**
 * @typedef {object} Holder The holder of a lock, as written in the lock file.
 * @property {number} pid
 * @property {string} started Distinguishes the process from a later one with the same id, even across a restart of the machine; ''
 *   if that is unknown.
 * @property {string} purpose The work of the holder.
 * @property {number} [inode] That of the lock file.
 * @property {boolean} [isCopied] Whether the file came here with the copy of a folder, whose original the process holds.
 */

/** This process as a holder. */
function currentHolder(purpose, inode) {
  return { pid: process.pid, started: startOf(process.pid), purpose, inode };
}

/** @throws Error if `text` names no process. */
function parseHolder(text) {
  const { pid, started, purpose, inode } = JSON.parse(text);
  if (!Number.isSafeInteger(pid)) throw new TypeError('it names no process');
  return { pid: Number(pid), started: String(started ?? ''), purpose: String(purpose), inode };
}

/** Whether the holder still runs, and holds this lock. */
function isAlive({ pid, started, isCopied }) {
  return !isCopied && isRunning(pid) && (started === '' || started === startOf(pid));
}

/** For messages: `rondo dev (process 4711)`. */
const describeHolder = ({ pid, purpose }) => `${purpose} (process ${pid})`;

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user can't be signalled, but it is running.
    return error.code === 'EPERM';
  }
}

/**
 * Identifies the start of a process. `proc(5)`: field 22 is the start time in ticks since the machine's start; field 2
 * is a name that may contain spaces.
 */
function startOf(pid) {
  if (process.platform !== 'linux') return '';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return 'gone';
  }
}
