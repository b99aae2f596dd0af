import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { gatewayErrors } from '../errors.js';

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
export async function restartInstance(options: RestartOptions, instanceId: string, signal: AbortSignal): Promise<void> {
  const { launcher } = options;
  if (launcher === undefined || !isRestartable(options, instanceId))
    throw gatewayErrors.NOT_RESTARTABLE({ instanceId });
  const { socket } = JSON.parse(await readFile(launcher, 'utf8'));
  const connection = createConnection({ path: String(socket), signal });
  try {
    const broken = new Promise<never>((_, reject) => connection.once('error', reject));
    connection.write(`${JSON.stringify({ command: 'restart', name: instanceId })}\n`);
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
    if (event === 'failed') throw gatewayErrors.RESTART_FAILED({ reason: String(message) });
  }
  throw gatewayErrors.RESTART_FAILED({ reason: 'the launcher has stopped' });
}
