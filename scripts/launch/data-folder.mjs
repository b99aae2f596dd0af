/** The data folder of a system, which holds the database, the logs, the passwords and the ids of processes. */
import {
  accessSync,
  constants,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/**
 * Makes the folder if it is missing.
 * @param {string} data
 * @param {string} otherwise What to do if it can't be used.
 * @throws {Error} with one line if this user can't write there.
 */
export function requireUsable(data, otherwise) {
  try {
    mkdirSync(data, { recursive: true });
    accessSync(data, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`${data} can't be written to (${error.code}); ${otherwise}`, { cause: error });
  }
  const owner = otherOwner(data);
  if (owner !== undefined) {
    throw new Error(`${data} belongs to another user (id ${owner}): start it as that user, or ${otherwise}`);
  }
}

/**
 * The owner of the database in a data folder, if it is another user: after a start as root, or before one. PostgreSQL can't open
 * files of another user.
 * @param {string} data
 * @returns {number | undefined} the user's id.
 */
export function otherOwner(data) {
  const owner = statSync(path.join(data, 'postgres'), { throwIfNoEntry: false })?.uid;
  return owner === process.getuid?.() ? undefined : owner;
}

/**
 * Runs `work` under the lock of the data folder.
 * @template T
 * @param {string} data
 * @param {{ purpose: string, otherwise: string, signal: AbortSignal }} options
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {Error} with one line that names the process that holds the lock.
 */
export async function withDataFolder(data, { purpose, otherwise, signal }, work) {
  const { withLock } = await import('../../packages/scaffold/dist/exports/index.js');
  const lock = { what: data, purpose, remedy: `stop that one, or ${otherwise}`, timeoutMs: 0, signal };
  return await withLock(path.join(data, 'launcher.lock'), lock, work);
}

/**
 * Opens the log of a process. A start on request begins a new file and keeps the last one as `.previous`. A restart after a crash
 * appends, so that the cause of the crash stays in the file.
 * @param {string} data
 * @param {string} name
 * @param {{ append?: boolean }} [options]
 * @returns {import('node:fs').WriteStream}
 */
export function openLog(data, name, { append = false } = {}) {
  const folder = path.join(data, 'logs');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.log`);
  if (!append && existsSync(file)) renameSync(file, `${file}.previous`);
  return createWriteStream(file, { flags: append ? 'a' : 'w' });
}

const fileIn = (data) => path.join(data, 'processes.json');

/**
 * Writes the ids of running processes to `processes.json`, for tools that signal one of them. The file is replaced atomically.
 * @param {string} data
 * @param {import('./children.mjs').Child[]} children
 */
export function writeProcesses(data, children) {
  const running = children.filter(({ isRunning }) => isRunning());
  const pids = Object.fromEntries(running.map(({ name, pid }) => [name, pid]));
  writeFileSync(`${fileIn(data)}.new`, `${JSON.stringify(pids, null, 2)}\n`);
  renameSync(`${fileIn(data)}.new`, fileIn(data));
}

/** @param {string} data */
export const removeProcesses = (data) => rmSync(fileIn(data), { force: true });
