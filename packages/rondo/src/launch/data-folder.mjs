/** The data folder of a system, which holds the database, the logs, the passwords and the ids of processes. */
import {
  accessSync,
  constants,
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { withLock } from '../workspace/lock.js';

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
  const lock = { what: data, purpose, remedy: `stop that one, or ${otherwise}`, timeoutMs: 0, signal };
  return await withLock(path.join(data, 'launcher.lock'), lock, work);
}

/**
 * Opens the log of a process. A start begins a new file and keeps the last one as `.previous`. A restart appends, so that the cause of
 * a crash stays in the file. While the file can't be written, as on a full disk, lines are dropped;
 * the file says how many.
 * @param {string} data
 * @param {string} name
 * @param {{ append?: boolean, retryMs?: number }} [options]
 * @returns {{ write: (line: string) => void, end: () => void }}
 */
export function openLog(data, name, { append = false, retryMs = 1_000 } = {}) {
  const folder = path.join(data, 'logs');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.log`);
  if (!append && existsSync(file)) renameSync(file, `${file}.previous`);
  let dropped = 0;
  /** Why the file couldn't be written lately. */
  let fault;
  const failed = ({ code }) => {
    if (fault === undefined) console.warn(`${file} can't be written (${code}): lines are dropped until it can`);
    fault = { code, at: performance.now() };
  };
  const open = () => createWriteStream(file, { flags: 'a' }).on('error', failed);
  // Never at a position of its own: a process and its successor write to one file.
  let stream = open();
  const write = (line) => {
    if (stream.errored !== null && performance.now() - (fault?.at ?? Infinity) >= retryMs) stream = open();
    if (stream.errored !== null) {
      dropped += 1;
      return;
    }
    const missing = dropped;
    dropped = 0;
    // The last line before them may have been cut.
    const note = missing > 0 ? `\n${missing} lines are missing: the file couldn't be written (${fault?.code})\n` : '';
    stream.write(`${note}${line}\n`, (error) => {
      if (error) dropped += missing + 1;
      else fault = undefined;
    });
  };
  return { write, end: () => stream.end() };
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

const scalesIn = (data) => path.join(data, 'scales.json');

/** @param {string} data */
export function removeProcesses(data) {
  for (const file of [fileIn(data), scalesIn(data)]) rmSync(file, { force: true });
}

const readScales = (data) => (existsSync(scalesIn(data)) ? JSON.parse(readFileSync(scalesIn(data), 'utf8')) : {});

/** Notes how many instances of a service run, until {@link removeProcesses}. */
export function writeScale(data, service, instances) {
  writeFileSync(`${scalesIn(data)}.new`, JSON.stringify({ ...readScales(data), [service]: instances }));
  renameSync(`${scalesIn(data)}.new`, scalesIn(data));
}

/** The manifest with the noted number of instances, if there is one. */
export const scaled = (data, manifest) => ({
  ...manifest,
  instances: readScales(data)[manifest.service] ?? manifest.instances,
});
