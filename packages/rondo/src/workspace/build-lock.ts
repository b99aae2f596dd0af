/** The locks of builds, and of changes of the tree. A command that only loads what is built waits by the first, too. */
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
