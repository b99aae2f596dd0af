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
import { console } from '../terminal/console.js';
import { codeOf } from '../workspace/errors.js';
import { readJson } from '../workspace/files.js';
import type { Manifest } from '../workspace/manifests.js';

/**
 * Makes the folder if it is missing.
 *
 * @param otherwise What to do if it can't be used.
 * @throws Error with one line if this user can't write there.
 */
export function requireUsable(data: string, otherwise: string): void {
  try {
    if (mkdirSync(data, { recursive: true }) !== undefined) hideFromGit(data);
    accessSync(data, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Error(`${data} can't be written to (${codeOf(error)}); ${otherwise}`, { cause: error });
  }
  const owner = otherOwner(data);
  if (owner !== undefined)
    throw new Error(`${data} belongs to another user (id ${owner}): start it as that user, or ${otherwise}`);
}

/** Keeps git from a folder that has passwords. */
export const hideFromGit = (folder: string): void => writeFileSync(path.join(folder, '.gitignore'), '*\n');

/** The id of the database's owner, if it is another user, as after a start as root: PostgreSQL can't open files of another user. */
export function otherOwner(data: string): number | undefined {
  const owner = statSync(path.join(data, 'postgres'), { throwIfNoEntry: false })?.uid;
  return owner === process.getuid?.() ? undefined : owner;
}

export interface LogOptions {
  /** Whether the file is continued, as by a restart, so that the cause of a crash stays in it. Otherwise it becomes `.previous`. */
  readonly append: boolean;
  readonly retryMs?: number;
}

/** Opens a log. While the file can't be written, as on a full disk, lines are dropped; the file says how many. */
export function openLog(data: string, name: string, { append, retryMs = 1_000 }: LogOptions) {
  const file = path.join(data, 'logs', `${name}.log`);
  mkdirSync(path.dirname(file), { recursive: true });
  if (!append && existsSync(file)) renameSync(file, `${file}.previous`);
  let dropped = 0;
  /** Why the file couldn't be written lately. */
  let fault: { readonly code: string | undefined; readonly at: number } | undefined;
  const failed = (error: Error) => {
    const code = codeOf(error);
    if (fault === undefined) console.warn(`${file} can't be written (${code}): lines are dropped until it can`);
    fault = { code, at: performance.now() };
  };
  // Always at the end of the file: a process and its successor write to one file.
  const open = () => createWriteStream(file, { flags: 'a' }).on('error', failed);
  let stream = open();
  const write = (line: string): void => {
    if (stream.errored !== null && fault !== undefined && performance.now() - fault.at >= retryMs) stream = open();
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
  return { write, end: () => void stream.end() };
}

/** Writes a JSON file of the folder so that a reader finds the old content or the new one. */
export function replaceJson(file: string, content: unknown): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** A process whose id is noted. */
interface Noted {
  readonly name: string;
  readonly pid: number | undefined;
  isRunning(): boolean;
}

/** Writes the ids of running processes to `processes.json`, for tools that signal one of them. */
export function writeProcesses(data: string, children: readonly Noted[]): void {
  const running = children.filter((child) => child.isRunning());
  replaceJson(path.join(data, 'processes.json'), Object.fromEntries(running.map(({ name, pid }) => [name, pid])));
}

const scalesIn = (data: string): string => path.join(data, 'scales.json');
const readScales = (data: string): Readonly<Record<string, number>> =>
  existsSync(scalesIn(data)) ? readJson(scalesIn(data)) : {};

/** Notes how many instances of a service run, until {@link removeProcesses}. */
export const writeScale = (data: string, service: string, instances: number): void =>
  replaceJson(scalesIn(data), { ...readScales(data), [service]: instances });

/** The manifest with the noted number of instances, if there is one. */
export const scaled = (data: string, manifest: Manifest): Manifest => ({
  ...manifest,
  instances: readScales(data)[manifest.service] ?? manifest.instances,
});

/** Removes what is noted of a system that runs. */
export function removeProcesses(data: string): void {
  for (const name of ['processes.json', 'scales.json']) rmSync(path.join(data, name), { force: true });
}
