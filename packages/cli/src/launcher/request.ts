import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { codeOf } from '../thrown.js';
import { findLauncher, noLauncher } from './launcher.js';
import { type Answer, type LauncherProcess, type LauncherRow, parseReply } from './reply.js';

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
