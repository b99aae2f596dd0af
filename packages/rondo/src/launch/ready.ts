/** Asks the registry which instances take calls. */
import { setTimeout } from 'node:timers/promises';
import type { LauncherRow } from '@rondo/operate/internal';
import type { SystemOptions } from './options.js';
import { isServed } from './plan.js';
import { callerTls } from './security.js';

const POLL_MS = 50;
/** Bounds what hangs: a machine may be slow. A process that ends is reported at once. */
const TIMEOUT_MS = 300_000;
const NEVER = new AbortController().signal;

export interface ReadyOptions extends Pick<SystemOptions, 'certs' | 'portBase'> {
  /** These instances must take calls; without them it is enough that the registry answers. */
  readonly names?: readonly string[];
  /** A registration from before doesn't count: it is that of an earlier process of the same name. By default each counts. */
  readonly since?: Date;
  /** Ends the wait by its rejection, as when a process has ended. */
  readonly failed?: Promise<never>;
  readonly signal?: AbortSignal;
}

/**
 * Waits until the registry answers and the instances are registered and take calls.
 *
 * @returns the instances that take calls: those of `names`, or all.
 * @throws the signal's reason if it aborts, and Error if it takes more than five minutes.
 */
export async function untilReady(options: ReadyOptions) {
  const { portBase, certs, names, since = new Date(0), failed, signal = NEVER } = options;
  const expiresAt = performance.now() + TIMEOUT_MS;
  const ended = failed === undefined ? [] : [failed];
  const pause = () => Promise.race([setTimeout(POLL_MS), ...ended]);
  const late = (what: string) => new Error(`${what}: ./rondo logs ${names?.[0] ?? 'registry'} may say why`);
  // A connection that was refused is tried again only after a while.
  for (; !(await isServed(portBase)); await pause()) {
    signal.throwIfAborted();
    if (performance.now() > expiresAt) throw late(`the registry doesn't listen at port ${portBase} after five minutes`);
  }
  const registry = await openRegistry({ portBase, certs });
  try {
    for (;;) {
      signal.throwIfAborted();
      const rows = await Promise.race([registry.list(since), ...ended]);
      const missing = names?.filter((name) => !rows?.some((row) => row.name === name)) ?? [];
      if (rows !== undefined && missing.length === 0)
        return names === undefined ? rows : rows.filter(({ name }) => names.includes(name));
      if (performance.now() > expiresAt) {
        const what = rows === undefined ? `the registry at port ${portBase} doesn't answer` : missing.join(', ');
        throw late(`not ready after five minutes: ${what}`);
      }
      await pause();
    }
  } finally {
    registry.close();
  }
}

/** Loads what {@link untilReady} asks the registry with. */
export const loadClient = () =>
  Promise.all([import('@rondo/rpc/client'), import('@rondo/contracts/rondo/registry/v1/registry')]);

async function openRegistry({ portBase, certs }: Pick<SystemOptions, 'certs' | 'portBase'>) {
  const [{ createChannel, createClient, staticResolver }, { InstanceStatus, RegistryServiceDefinition }] =
    await loadClient();
  const resolver = staticResolver([`127.0.0.1:${portBase}`]);
  const channel = createChannel({ resolver, ...(await callerTls(certs)) });
  const client = createClient(RegistryServiceDefinition, { channel });
  const list = async (since: Date): Promise<readonly LauncherRow[]> => {
    const rows: LauncherRow[] = [];
    let pageToken = '';
    do {
      const page = await client.listInstances({ pageToken }, { timeoutMs: 1000 });
      for (const { instanceId: name, endpoints, services, status, registerTime } of page.instances) {
        if (status !== InstanceStatus.INSTANCE_STATUS_SERVING || registerTime === undefined || registerTime < since)
          continue;
        rows.push({ name, address: endpoints[0]?.address ?? '', services });
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return rows;
  };
  return { list: (since: Date) => list(since).catch(() => undefined), close: () => channel.close() };
}
