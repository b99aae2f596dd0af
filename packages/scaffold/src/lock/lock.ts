import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Refusal } from '../refusal.js';
import { isErrorOf } from '../thrown.js';
import { describeHolder, type Holder, isAlive, ourselves, parseHolder } from './holder.js';

const POLL_MS = 50;

/** What holding a lock is for, and how long it may be waited for. */
export interface LockOptions {
  /** What is locked, for messages: `the tree`. */
  readonly what: string;
  /** What is being done, for those who wait: `rondo new service greeter`. */
  readonly purpose: string;
  /** Ends the wait. What `work` does about it is its own. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** What to do where another one holds it for longer, as a clause. */
  readonly remedy: string;
  /** Told once, when there is something to wait for: `rondo dev (process 4711)`. */
  readonly onWait?: ((holder: string) => void) | undefined;
}

/**
 * Does `work` while no other process, and nobody else in this one, holds the lock `file`. A holder that died holds
 * nothing. The lock isn't re-entrant: what `work` starts must not ask for it.
 *
 * @throws Refusal that names the holder, after `timeoutMs`; an AbortError, when `signal` ends the wait; what `work`
 *   throws.
 */
export async function withLock<T>(file: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(file, options);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string, options: LockOptions): Promise<void> {
  const { what, purpose, signal, timeoutMs, remedy, onWait } = options;
  /** Counted from the first look that found a holder, however long that look took. */
  let endsAt: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    if (await claim(file, purpose)) return;
    const holder = await readHolder(file);
    if (holder === undefined) continue; // released since
    if (!isAlive(holder)) {
      await removeDead(file, purpose);
      continue;
    }
    const told = endsAt !== undefined;
    endsAt ??= performance.now() + timeoutMs;
    if (performance.now() >= endsAt) throw new Refusal(`${what} is in use by ${describeHolder(holder)}`, { remedy });
    if (!told) onWait?.(describeHolder(holder));
    await setTimeout(POLL_MS, undefined, { signal });
  }
}

/** Whole from the moment it is there: a reader never meets a lock that doesn't say yet whose it is. */
async function claim(file: string, purpose: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(draft, JSON.stringify(ourselves(purpose)));
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (isErrorOf(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(draft);
  }
}

/**
 * Of two that find the same dead holder, the slower one must not remove the lock that the faster one has taken since:
 * one at a time looks again, and removes.
 */
async function removeDead(file: string, purpose: string): Promise<void> {
  const guard = `${file}.removal`;
  if (!(await claim(guard, purpose))) {
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

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return parseHolder(await readFile(file, 'utf8'));
  } catch (error) {
    if (isErrorOf(error, 'ENOENT')) return undefined;
    throw new Refusal(`${file} can't be read`, { remedy: 'remove it if nothing else is under way here' });
  }
}
