import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { codeOf } from '../thrown.js';

/** A system that runs, as it describes itself in `launcher.json` of its data folder. */
export interface Launcher {
  /** The process that started it: `npm start` or `rondo dev`. */
  readonly pid: number;
  /** The Unix socket at which it can be told what to do. */
  readonly socket: string;
  /** The registry's address. */
  readonly registry: string;
}

/**
 * Who runs the system whose data is in `dataDirectory`.
 *
 * @throws Error that says what to do, where none does. One that was killed leaves its description behind: only asking
 *   it proves that it runs.
 */
export async function findLauncher(dataDirectory: string): Promise<Launcher> {
  const file = path.join(dataDirectory, 'launcher.json');
  try {
    return parseLauncher(await readFile(file, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') throw noLauncher(dataDirectory);
    throw new Error(`${file} can't be read: start the system again, by npm start`, { cause: error });
  }
}

function parseLauncher(text: string): Launcher {
  const { pid, socket, registry }: Partial<Record<keyof Launcher, unknown>> = JSON.parse(text);
  if (typeof pid !== 'number' || typeof socket !== 'string' || typeof registry !== 'string') {
    throw new TypeError('a field is missing');
  }
  return { pid, socket, registry };
}

/** That nothing runs there, and what to do. */
export function noLauncher(dataDirectory: string): Error {
  return new Error(
    `no system runs on ${dataDirectory}: start it with npm start, or name the folder of the one that runs by --data`,
  );
}
