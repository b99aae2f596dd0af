/** The lock of builds. A script that only loads what is built waits by it, too. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import path from 'node:path';
import { withLock } from './lock.mjs';
import { root } from './process.mjs';

/**
 * Does `work` while no other command installs packages, generates code or compiles in this clone. It waits as long as the other
 * command lives, and says so on standard error.
 * @template T
 * @param {string} step What the work is, for the commands that wait for it.
 * @param {() => Promise<T>} work
 * @param {AbortSignal} [signal] Ends the wait.
 * @returns {Promise<T>}
 */
export async function withBuild(step, work, signal = new AbortController().signal) {
  const folder = path.join(root, '.rondo');
  if (!isWritable(folder)) return await work(); // this user can't write to the clone, so nothing of it is built
  const lock = {
    what: 'the build',
    purpose: `another command's step "${step}"`,
    remedy: '',
    timeoutMs: Infinity,
    signal,
  };
  const onWait = (holder) => console.error(`Waiting for ${holder} …`);
  return await withLock(path.join(folder, 'build.lock'), { ...lock, onWait }, work);
}

function isWritable(folder) {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
