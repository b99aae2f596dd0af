import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { codeOf } from './errors.js';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** What a running system can be told. */
export type LauncherRequest =
  /** Lists what takes calls, or what became of each process: that is told without the registry. */
  | { readonly command: 'status' | 'processes' }
  /** `name` is a service, one of its instances, or `postgres`. */
  | { readonly command: 'restart'; readonly name: string }
  /**
   * `service` is its folder under `services/`: `start` reads its manifest again, and a service that runs stays as it is;
   * `stop` keeps it away until it is started again; `forget` stops one whose folder goes.
   */
  | { readonly command: 'start' | 'stop' | 'forget'; readonly service: string };

/** A request, and to whom. */
export interface RequestLauncherOptions {
  /** The folder given to `npm start`. */
  readonly dataDirectory: string;
  readonly request: LauncherRequest;
  readonly signal: AbortSignal;
  /** Told what happens on the way, a line at a time. */
  readonly onLog?: (line: string) => void;
  /** Two minutes by default: a start waits until the service takes calls. */
  readonly timeoutMs?: number;
}

/**
 * Tells the system that runs on a data folder to do something, and waits until it is done.
 *
 * @returns the instances that it concerns, as they are now; after `stop` none.
 * @throws Error that says what is wrong and what to do: no system runs there, it can't be done, or it took too long.
 */
export async function requestLauncher(options: RequestLauncherOptions): Promise<readonly LauncherRow[]> {
  return (await exchange(options)).rows;
}

async function exchange(options: RequestLauncherOptions): Promise<Answer> {
  const { dataDirectory, request, signal, timeoutMs = 120_000 } = options;
  const { socket: address } = await findLauncher(dataDirectory);
  const deadline = AbortSignal.timeout(timeoutMs);
  const ending = AbortSignal.any([signal, deadline]);
  ending.throwIfAborted();
  const socket = createConnection(address);
  const end = () => socket.destroy(new Error('ended'));
  ending.addEventListener('abort', end, { once: true });
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    return await readReplies(socket, options);
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.aborted)
      throw new Error(`the system on ${dataDirectory} hasn't answered in ${timeoutMs / 1000} s; see: ./rondo doctor`);
    if (['ENOENT', 'ECONNREFUSED'].includes(codeOf(error) ?? '')) throw noLauncher(dataDirectory);
    throw error;
  } finally {
    ending.removeEventListener('abort', end);
    socket.destroy();
  }
}

const STATUS_TIMEOUT_MS = 5_000;

/**
 * What runs on a data folder: that is told at once, unless the system is stuck.
 *
 * @throws Error as {@link requestLauncher} does.
 */
export function askStatus(system: Pick<RequestLauncherOptions, 'dataDirectory' | 'signal'>) {
  return requestLauncher({ ...system, request: { command: 'status' }, timeoutMs: STATUS_TIMEOUT_MS });
}

/**
 * What became of each process of the system on a data folder, whether its registry answers or not.
 *
 * @throws Error as {@link requestLauncher} does.
 */
export async function askProcesses(
  system: Pick<RequestLauncherOptions, 'dataDirectory' | 'signal'>,
): Promise<readonly LauncherProcess[]> {
  const request = { command: 'processes' } as const;
  return (await exchange({ ...system, request, timeoutMs: STATUS_TIMEOUT_MS })).processes;
}

async function readReplies(socket: Socket, { dataDirectory, onLog }: RequestLauncherOptions): Promise<Answer> {
  // readline keeps to itself what goes wrong with its input.
  const broken = new Promise<never>((_, reject) => socket.once('error', reject));
  broken.catch(() => undefined); // nobody waits for it once the last line has come
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  for (;;) {
    const { value, done } = await Promise.race([lines.next(), broken]);
    if (done) throw new Error(`the system on ${dataDirectory} has stopped before it was done`);
    const reply = parseReply(value);
    if (reply.event === 'done') return reply;
    if (reply.event === 'failed') throw new Error(reply.message);
    onLog?.(reply.line);
  }
}

/** A system that runs, as it describes itself in `launcher.json` of its data folder. */
interface Launcher {
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
async function findLauncher(dataDirectory: string): Promise<Launcher> {
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
function noLauncher(dataDirectory: string): Error {
  return new Error(
    `no system runs on ${dataDirectory}: start it with npm start, or name the folder of the one that runs by --data`,
  );
}

/** An instance that the launcher runs. */
interface LauncherRow {
  /** Its id: `greeter-1`. */
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** The gRPC services that it serves, by their fully qualified names. */
  readonly services: readonly string[];
}

/** A process that the launcher runs, or is to run. */
export interface LauncherProcess {
  /** An instance's id, or `postgres`. */
  readonly name: string;
  /** Its folder under `services/`, or `postgres`. */
  readonly service: string;
  /** `running`, `stopped`, or what became of one that ended by itself: `backoff`, `starting`, `failed`, `ended`. */
  readonly state: string;
}

/** What the launcher tells when it is done. */
interface Answer {
  readonly rows: readonly LauncherRow[];
  /** None where they weren't asked for. */
  readonly processes: readonly LauncherProcess[];
}

type Reply =
  | { readonly event: 'log'; readonly line: string }
  | ({ readonly event: 'done' } & Answer)
  | { readonly event: 'failed'; readonly message: string };

/** @throws Error when `line` is none of the launcher's replies. */
function parseReply(line: string): Reply {
  const reply = parseObject(line);
  const { event, rows, processes = [], message } = reply;
  if (event === 'log') return { event, line: String(reply['line']) };
  if (event === 'failed') return { event, message: String(message) };
  if (event === 'done' && Array.isArray(rows) && Array.isArray(processes)) {
    return { event, rows: rows.map(toRow), processes: processes.map(toProcess) };
  }
  throw new Error(`the launcher said ${JSON.stringify(line)}: is it of another version? Start the system again`);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}

function toRow({ name, address, services }: Readonly<Record<string, unknown>>): LauncherRow {
  return {
    name: String(name),
    address: String(address),
    services: Array.isArray(services) ? services.map(String) : [],
  };
}

function toProcess({ name, service, state }: Readonly<Record<string, unknown>>): LauncherProcess {
  return { name: String(name), service: String(service), state: String(state) };
}
