/** The folder that holds what one system keeps: the database, the logs and the passwords. */
/** Where a process's output goes. */
/** `processes.json` of the data folder: the ids of the services' processes, for what wants to signal one of them. */
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
 * Makes the folder if it is absent.
 * @param {string} data
 * @param {string} otherwise What to do where it can't be used.
 * @throws {Error} with one line when this user can't keep anything there.
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
 * Whose the database in a data folder is, where it is another user's: after a start as root, or before one. PostgreSQL
 * would not be let into its own files.
 * @param {string} data
 * @returns {number | undefined} the user's id.
 */
export function otherOwner(data) {
  const owner = statSync(path.join(data, 'postgres'), { throwIfNoEntry: false })?.uid;
  return owner === process.getuid?.() ? undefined : owner;
}

/**
 * Does `work` while no other launcher uses the folder.
 * @template T
 * @param {string} data
 * @param {{ purpose: string, otherwise: string, signal: AbortSignal }} options
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {Error} with one line that says who uses it.
 */
export async function withDataFolder(data, { purpose, otherwise, signal }, work) {
  const { withLock } = await import('../../packages/scaffold/dist/index.js');
  const lock = { what: data, purpose, remedy: `stop that one, or ${otherwise}`, timeoutMs: 0, signal };
  return await withLock(path.join(data, 'launcher.lock'), lock, work);
}

/**
 * A file of its own for each start that was asked for; the one before stays as `.previous`. A restart after a crash
 * goes on in the same file: what led to the crash stands there.
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
 * Writes those that run; the file is whole at every moment.
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
