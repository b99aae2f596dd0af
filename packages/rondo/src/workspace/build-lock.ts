/** The lock of builds. A command that only loads what is built waits by it, too. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { console } from '../terminal/console.js';
import { isWritable } from './files.js';
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
  if (!isWritable(existsSync(folder) ? folder : root)) return await work(); // this user builds nothing of the clone
  const onHeld = (holder: string) => console.error(`Waiting for ${holder} …`);
  const lock = { purpose: `another command's step "${purpose}"`, signal, onHeld };
  return await withLock(path.join(folder, 'build.lock'), lock, work);
}
