/** The lock of builds. A command that only loads what is built waits by it, too. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import path from 'node:path';
import { console } from '../terminal/console.js';
import { withLock } from './lock.js';
import { root } from './paths.js';

/**
 * Does `work` while no other command installs packages, generates code or compiles in this clone. It waits as long as the other
 * command lives, and says so on standard error.
 *
 * @param purpose What the work is, for the commands that wait for it.
 * @param signal Ends the wait.
 */
export async function withBuild<T>(
  purpose: string,
  work: () => Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  const folder = path.join(root, '.rondo');
  if (!isWritable(folder)) return await work(); // this user can't write to the clone, so nothing of it is built
  const onHeld = (holder: string) => console.error(`Waiting for ${holder} …`);
  const lock = { purpose: `another command's step "${purpose}"`, signal, onHeld };
  return await withLock(path.join(folder, 'build.lock'), lock, work);
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
