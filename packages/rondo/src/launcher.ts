import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { askLauncher, LauncherError, type LauncherProcess, type LauncherRequest } from '@rondo/operate/internal';
import { codeOf } from './workspace/errors.js';
import { isRunning } from './workspace/lock.js';

/** A request, and the system that it goes to. */
export interface RequestLauncherOptions {
  readonly dataDirectory: string;
  readonly request: LauncherRequest;
  readonly signal: AbortSignal;
  /** Is called with each line that the launcher logs for this request. */
  readonly onLog?: (line: string) => void;
  /** Two minutes by default, as a start waits until the service takes calls. */
  readonly timeoutMs?: number;
}

/**
 * Sends a request to the system that runs on a data folder, and waits until it is done.
 *
 * @returns `rows`: the instances that the request concerns, as they are now; none after `stop`.
 * @throws Error that says what is wrong and what to do: no system runs there, the request failed, or it took too long.
 */
export async function requestLauncher(options: RequestLauncherOptions): ReturnType<typeof askLauncher> {
  const { dataDirectory, request, signal, onLog, timeoutMs = 120_000 } = options;
  const { socket } = await findLauncher(dataDirectory);
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await askLauncher(socket, request, { signal: AbortSignal.any([signal, deadline]), onLog });
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted)
      throw new Error(
        `the system on ${dataDirectory} hasn't answered in ${timeoutMs / 1000} s; see: ./rondo doctor --data ${dataDirectory}`,
      );
    if (['ENOENT', 'ECONNREFUSED'].includes(codeOf(error) ?? '')) throw noLauncher(dataDirectory);
    if (error instanceof LauncherError && error.kind === 'stopped')
      throw new Error(`the system on ${dataDirectory} has stopped before it was done`);
    throw error;
  }
}

type System = Pick<RequestLauncherOptions, 'dataDirectory' | 'signal'>;

const STATUS_TIMEOUT_MS = 5_000;

/** A system that runs: its data folder, the address of its registry, and the one that callers outside of it have. */
type RunningSystem = Readonly<Record<'data' | 'registry', string>> & { readonly public: string | undefined };

/** A system of this workspace that runs, on the default folder or, as launchers note below it, another one. */
export async function findRunning({ dataDirectory, signal }: System): Promise<RunningSystem | undefined> {
  const notes = path.join(dataDirectory, 'elsewhere');
  const files = await readdir(notes).catch(() => []);
  const others = await Promise.all(files.map((file) => readFile(path.join(notes, file), 'utf8')));
  const folders = [dataDirectory, ...others];
  const ask = async (data: string) => {
    const processes = await askProcesses({ dataDirectory: data, signal });
    return { data, registry: (await findLauncher(data)).registry, public: processes.find((one) => one.public)?.public };
  };
  const answers = await Promise.all(folders.map((folder) => ask(folder).catch(() => undefined)));
  return answers.find((answer) => answer !== undefined);
}

/**
 * Lists all processes with their states. The launcher answers at once, unless it hangs; it doesn't need the registry.
 *
 * @throws Error as {@link requestLauncher} does.
 */
export async function askProcesses(system: System): Promise<readonly LauncherProcess[]> {
  const request = { command: 'processes' } as const;
  return (await requestLauncher({ ...system, request, timeoutMs: STATUS_TIMEOUT_MS })).processes ?? [];
}

/** The address of the registry of the system that runs on `dataDirectory`; undefined if none runs there. */
export const registryOn = (dataDirectory: string): Promise<string | undefined> =>
  findLauncher(dataDirectory).then(
    ({ pid, registry }) => (isRunning(pid) ? registry : undefined),
    () => undefined,
  );

/**
 * Reads the launcher of the system on `dataDirectory`, which is the process of `npm start` or `rondo dev`, from `launcher.json` of the
 * folder. A launcher that was killed leaves its description behind: only an answer proves that it runs.
 *
 * @throws Error that says what to do if there is none.
 */
async function findLauncher(dataDirectory: string): Promise<{ pid: number; socket: string; registry: string }> {
  const file = path.join(dataDirectory, 'launcher.json');
  try {
    const { pid, socket, registry } = JSON.parse(await readFile(file, 'utf8'));
    if (typeof pid === 'number' && typeof socket === 'string' && typeof registry === 'string')
      return { pid, socket, registry };
    throw new TypeError('a field is missing');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') throw noLauncher(dataDirectory);
    throw new Error(`${file} can't be read: start the system again, by npm start`, { cause: error });
  }
}

function noLauncher(dataDirectory: string): Error {
  return new Error(
    `no system runs on ${dataDirectory}: start it with npm start, or name the running system's folder by --data`,
  );
}
