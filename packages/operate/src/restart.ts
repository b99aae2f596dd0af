import { readFile } from 'node:fs/promises';
import { operateErrors } from './errors.js';
import type { Asker, Reach } from './gather.js';
import { instancesOf, requireInstance } from './instance.js';
import { askLauncher, LauncherError } from './launcher.js';

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
    const { socket } = JSON.parse(await readFile(launcher, 'utf8'));
    await askLauncher(String(socket), { command: 'restart', name: instanceId }, { signal });
  } catch (cause) {
    if (signal.aborted) throw cause;
    const isItsOwn = cause instanceof LauncherError && cause.kind !== 'foreign';
    const reason = isItsOwn ? cause.message : 'npm start, which runs the system, gives no answer';
    throw operateErrors.RESTART_FAILED({ reason }, { cause });
  }
}
