import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { operateErrors } from './errors.js';
import type { Asker, Reach } from './gather.js';
import { instancesOf, requireInstance } from './instance.js';

/** A request to the launcher (`npm start` or `rondo dev`) of a running system. */
export type LauncherRequest =
  /** `status` lists the instances that take calls, by the registry. `processes` lists all processes without the registry. */
  | { readonly command: 'status' | 'processes' }
  /** `name` is a service, one of its instances, or `postgres`. */
  | { readonly command: 'restart'; readonly name: string }
  | { readonly command: 'scale'; readonly service: string; readonly instances: number }
  /** `service` is its folder under `services/`. `start` reads the manifest again; it does nothing if the service runs. */
  | { readonly command: 'start' | 'stop'; readonly service: string }
  /** `reset` empties the database of a service. `database` gives its URL as the address of the one row. */
  | { readonly command: 'reset' | 'database'; readonly service: string };

/** An instance that the launcher runs. */
export interface LauncherRow {
  /** Its id: `greeter-1`. */
  readonly name: string;
  readonly address: string;
  /** The gRPC services that it serves, fully qualified. */
  readonly services: readonly string[];
}

/** A process that the launcher runs or should run. */
export interface LauncherProcess {
  /** An instance's id, or `postgres`. */
  readonly name: string;
  /** Its folder under `services/`, or `postgres`. */
  readonly service: string;
  /** `running`, `stopped`, or, after the process has ended by itself, `backoff`, `starting`, `failed` or `ended`. */
  readonly state: string;
  /** Where it serves the console, as `host:port`; undefined if it doesn't. */
  readonly console?: string;
  /** Where callers outside of the system reach it, as `host:port`; undefined if they don't. */
  readonly public?: string;
}

/** The launcher's answer when a request is done. */
export interface LauncherAnswer {
  readonly rows: readonly LauncherRow[];
  /** Undefined unless they were requested. */
  readonly processes?: readonly LauncherProcess[];
}

/** Why a launcher hasn't done what it was asked. */
export class LauncherError extends Error {
  override readonly name = 'LauncherError';
  /** `failed`: the message is the launcher's. `stopped`: it has ended meanwhile. `foreign`: it is none, or of another version. */
  readonly kind: 'failed' | 'stopped' | 'foreign';

  constructor(kind: LauncherError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

interface Asking {
  readonly signal: AbortSignal;
  /** Is called with each line that the launcher logs for this request. */
  readonly onLog?: ((line: string) => void) | undefined;
}

/**
 * Sends a request to the launcher that listens at a socket, and waits until it is done.
 *
 * @throws {@link LauncherError}; an error of Node if nothing listens there, or once `signal` aborts.
 */
export async function askLauncher(
  socket: string,
  request: LauncherRequest,
  { signal, onLog }: Asking,
): Promise<LauncherAnswer> {
  const connection = createConnection({ path: socket, signal });
  try {
    // readline doesn't report errors of its input.
    const broken = new Promise<never>((_, reject) => connection.once('error', reject));
    broken.catch(() => undefined); // it isn't awaited after the last line
    connection.write(`${JSON.stringify(request)}\n`);
    return await Promise.race([readAnswer(createInterface({ input: connection }), onLog), broken]);
  } finally {
    connection.destroy();
  }
}

async function readAnswer(lines: AsyncIterable<string>, onLog: Asking['onLog']): Promise<LauncherAnswer> {
  for await (const line of lines) {
    const reply = parseReply(line);
    if (reply.event === 'done') return reply;
    if (reply.event === 'failed') throw new LauncherError('failed', reply.message);
    onLog?.(reply.line);
  }
  throw new LauncherError('stopped', 'npm start, which runs the system, has stopped');
}

type Reply =
  | { readonly event: 'log'; readonly line: string }
  | ({ readonly event: 'done' } & LauncherAnswer)
  | { readonly event: 'failed'; readonly message: string };

function parseReply(line: string): Reply {
  if (/^\{"event":"(?:log|done|failed)",/.test(line)) return JSON.parse(line);
  const text = `the launcher replied ${JSON.stringify(line)}: is it of another version? Start the system again`;
  throw new LauncherError('foreign', text);
}

/** What restarts instances, and which instance asks. */
interface RestartOptions {
  /** The file in which the launcher, `npm start`, says where it listens; undefined if it doesn't run this system. */
  readonly launcher: string | undefined;
  readonly ownId: string;
}

/** Whether the launcher can restart an instance for this one. */
export const isRestartable = ({ launcher, ownId }: RestartOptions, instanceId: string): boolean =>
  launcher !== undefined && instanceId !== ownId;

/** Lets the launcher restart an instance, and waits until it is ready. @throws RpcError if it can't. */
export async function restartInstance(
  options: RestartOptions & { readonly channel: Reach },
  instanceId: string,
  { signal, principal }: Asker,
): Promise<void> {
  const { launcher, channel } = options;
  const { secure } = requireInstance(instanceId, await instancesOf(channel, signal));
  // With certificates, the registry and the services take changes only of known operators.
  const isAllowed = !secure || principal !== undefined;
  if (launcher === undefined || !isAllowed || !isRestartable(options, instanceId))
    throw operateErrors.NOT_RESTARTABLE({ instanceId });
  try {
    const { socket } = JSON.parse(await readFile(launcher, 'utf8'));
    await askLauncher(String(socket), { command: 'restart', name: instanceId }, { signal });
  } catch (cause) {
    if (signal.aborted) throw cause;
    const isItsOwn = cause instanceof LauncherError && cause.kind !== 'foreign';
    const reason = isItsOwn ? cause.message : 'npm start, which runs the system, gives no answer';
    throw operateErrors.RESTART_FAILED({ reason }, { cause });
  }
}
