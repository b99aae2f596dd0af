import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
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

interface WeightOptions extends RegistryAccess {
  readonly instances: readonly Endpoint[];
  readonly instanceId: string;
  readonly weight: number;
  /** Who sets it. */
  readonly author: string;
}

interface SettingsOptions extends RegistryAccess {
  readonly clock: Clock;
}

/** A channel to the registry. @throws RpcError if there is none. */
export function toRegistry({ channel, registry }: RegistryAccess): Channel {
  if (registry.length === 0) throw gatewayErrors.NO_REGISTRY({});
  return channel.direct(registry.map((address) => ({ address })));
}

const WEIGHTS = 'weights';

/** Sets the weight of one of the instances; 0 takes it back. What the setting says of instances that have left goes. */
export async function setWeight(
  { instances, instanceId, weight, author, ...access }: WeightOptions,
  signal: AbortSignal,
): Promise<void> {
  const service = instances.find((one) => one.instanceId === instanceId)?.services?.[0];
  if (service === undefined) throw gatewayErrors.NO_INSTANCE({ instanceId });
  const direct = toRegistry(access);
  try {
    const client = createClient(SettingsServiceDefinition, { channel: direct });
    const { settings } = await client.listSettings({}, { signal });
    const before = settings.find((one) => one.service === service && one.key === WEIGHTS)?.value ?? '';
    const live = new Set(instances.map((one) => one.instanceId));
    const entries = new Map(before.split('&').map((entry): [string, string] => [entry.split('=')[0] ?? '', entry]));
    const others = [...entries].flatMap(([id, entry]) => (live.has(id) && id !== instanceId ? [entry] : []));
    const value = [...others, ...(weight === 0 ? [] : [`${instanceId}=${weight}`])].join('&');
    const setting = { service, key: WEIGHTS, author };
    if (value === '') await client.deleteSetting(setting, { signal });
    else await client.updateSetting({ setting: { ...setting, value } }, { signal });
  } finally {
    direct.close();
  }
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
