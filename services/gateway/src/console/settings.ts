import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { type Channel, createClient } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { gatewayErrors } from '../errors.js';

/** The registry is silent while nothing changes. */
const HEARTBEAT_MS = 10_000;

/** How the registry is reached. */
interface RegistryAccess {
  readonly channel: Pick<Channel, 'direct'>;
  /** Its addresses; none if Kubernetes tells the instances. */
  readonly registry: readonly string[];
}

interface SettingsOptions extends RegistryAccess {
  readonly clock: Clock;
}

/** A channel to the registry. @throws RpcError if there is none. */
export function toRegistry({ channel, registry }: RegistryAccess): Channel {
  if (registry.length === 0) throw gatewayErrors.NO_REGISTRY({});
  return channel.direct(registry.map((address) => ({ address })));
}

/** Passes on what the registry tells of its settings. */
export async function* watchSettings({ clock, ...access }: SettingsOptions, signal: AbortSignal) {
  const direct = toRegistry(access);
  try {
    const client = createClient(SettingsServiceDefinition, { channel: direct });
    const watch = client.watchSettings({}, { signal })[Symbol.asyncIterator]();
    for (let next = watch.next(); ; ) {
      const told = new AbortController();
      const late = sleep(clock, HEARTBEAT_MS, told.signal).catch(() => undefined);
      const event = await Promise.race([next, late]).finally(() => told.abort());
      if (event?.done === true) return;
      yield event?.value ?? { settings: [] };
      if (event !== undefined) next = watch.next();
    }
  } finally {
    direct.close();
  }
}
