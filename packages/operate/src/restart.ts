import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { RpcError } from '@rondo/rpc/status';
import { operateErrors } from './errors.js';
import type { Asker, Reach } from './gather.js';
import { instancesOf, requireInstance } from './instance.js';

/** What restarts instances, and which instance asks. */
export interface RestartOptions {
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
    await ask(launcher, { command: 'restart', name: instanceId }, signal);
  } catch (cause) {
    if (cause instanceof RpcError || signal.aborted) throw cause;
    throw operateErrors.RESTART_FAILED({ reason: 'npm start, which runs the system, gives no answer' }, { cause });
  }
}

/** Sends a request to the launcher, and waits until it has been carried out. */
async function ask(launcher: string, request: object, signal: AbortSignal): Promise<void> {
  const { socket } = JSON.parse(await readFile(launcher, 'utf8'));
  const connection = createConnection({ path: String(socket), signal });
  try {
    const broken = new Promise<never>((_, reject) => connection.once('error', reject));
    connection.write(`${JSON.stringify(request)}\n`);
    await Promise.race([readOutcome(createInterface({ input: connection })), broken]);
  } finally {
    connection.destroy();
  }
}

/** Reads the launcher's lines: of its log, and the last one. */
async function readOutcome(lines: AsyncIterable<string>): Promise<void> {
  for await (const line of lines) {
    const { event, message } = JSON.parse(line);
    if (event === 'done') return;
    if (event === 'failed') throw operateErrors.RESTART_FAILED({ reason: String(message) });
  }
  throw operateErrors.RESTART_FAILED({ reason: 'npm start, which runs the system, has stopped' });
}
