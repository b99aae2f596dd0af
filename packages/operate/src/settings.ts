import type { Channel, Endpoint } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { checkSetting } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import { operateErrors } from './errors.js';
import type { Reach } from './gather.js';
import { instancesOf, requireInstance } from './instance.js';
import { type RegistryConnection, reach, registryOver } from './registry.js';

/** The registry is silent while nothing changes. */
const HEARTBEAT_MS = 10_000;

/** How the registry is reached. */
export interface RegistryAccess {
  readonly channel: Pick<Channel, 'direct'>;
  /** Its addresses; none if Kubernetes tells the instances. */
  readonly registry: readonly string[];
}

interface WeightOptions extends RegistryAccess {
  readonly channel: Reach;
  readonly instanceId: string;
  readonly weight: number;
  /** Who sets it. */
  readonly author: string;
}

interface SettingsOptions extends RegistryAccess {
  readonly clock: Clock;
}

/** A channel to the registry. @throws RpcError if there is none. */
function toRegistry({ channel, registry }: RegistryAccess): Channel {
  if (registry.length === 0) throw operateErrors.NO_REGISTRY({});
  return channel.direct(registry.map((address) => ({ address })));
}

const { INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED } = Status;
/** What the registry refuses to the operator for whom the gateway asks. */
const REFUSALS: ReadonlySet<Status> = new Set([INVALID_ARGUMENT, NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED]);

/** Asks the registry for an operator. @throws RpcError with the registry's reason if that refuses it, or if there is no registry. */
export async function askRegistry<T>(
  access: RegistryAccess,
  ask: (registry: RegistryConnection) => Promise<T>,
): Promise<T> {
  const direct = toRegistry(access);
  try {
    return await ask(registryOver(direct, access.registry));
  } catch (cause) {
    const isRefusal = cause instanceof RpcError && cause.report !== undefined && REFUSALS.has(cause.code);
    throw isRefusal ? operateErrors.REGISTRY_REFUSES({ reason: cause.message }, { cause }) : cause;
  } finally {
    direct.close();
  }
}

/** Why operators have taken instances out, by instance id. */
export const cordonReasons = (access: RegistryAccess, signal: AbortSignal): Promise<ReadonlyMap<string, string>> =>
  askRegistry(access, async ({ addresses, client }) => {
    const { marks } = await reach(addresses, client.listOperatorStates({}, { signal }));
    return new Map(marks.map(({ instanceId, reason }) => [instanceId, reason]));
  });

const KEY = 'weights';
const MAX_AUTHOR_LENGTH = 128;
/** How often other operators may change the setting meanwhile. */
const TRIES = 5;

/** Sets the weight of one of the instances; 0 takes it back. @throws RpcError `NOT_FOUND` if there is none that serves something. */
export async function setWeight(options: WeightOptions, signal: AbortSignal): Promise<void> {
  const { channel, instanceId, author } = options;
  const instances = await instancesOf(channel, signal);
  const serving = instances.filter(({ services = [] }) => services.length > 0);
  const { services = [] } = requireInstance(instanceId, serving);
  const [first = ''] = services;
  await askRegistry(options, async ({ settings: client }) => {
    const { settings } = await client.listSettings({}, { signal });
    const known = new Map(settings.filter(({ key }) => key === KEY).map(({ service, value = '' }) => [service, value]));
    const service = services.find((one) => entriesOf(known.get(one)).has(instanceId)) ?? first;
    const setting = { service, key: KEY, author: author.slice(0, MAX_AUTHOR_LENGTH) };
    const write = async (value: string): Promise<string> => {
      if (value !== '')
        return (await client.updateSetting({ setting: { ...setting, value } }, { signal })).oldValue ?? '';
      return (await client.deleteSetting(setting, { signal })).oldValue;
    };
    let [before, expected] = [known.get(service) ?? '', known.get(service) ?? ''];
    for (let tries = 0; tries < TRIES; tries += 1) {
      const value = changed(before, options, instances);
      if (value === expected) return;
      const found = await write(value);
      if (found === expected) return;
      // Another operator has changed it meanwhile: this change is made to that one.
      [before, expected] = [found, value];
    }
    throw operateErrors.REGISTRY_REFUSES({ reason: 'others change the same weights at this moment; do it again' });
  });
}

/** The setting with the weight of one instance changed. What it says of instances that have left stays as long as there is room. */
function changed(before: string, { instanceId, weight }: WeightOptions, instances: readonly Endpoint[]): string {
  const entries = entriesOf(before);
  entries.delete(instanceId);
  if (weight !== 0) entries.set(instanceId, `${instanceId}=${weight}`);
  const value = [...entries.values()].join('&');
  if (value === '' || checkSetting(KEY, value) === undefined) return value;
  const live = new Set(instances.map((one) => one.instanceId));
  return [...entries].flatMap(([id, entry]) => (live.has(id) ? [entry] : [])).join('&');
}

/** The entries of the setting, by instance. */
function entriesOf(value = ''): Map<string, string> {
  const entries = value.split('&').filter((entry) => entry !== '');
  return new Map(entries.map((entry) => [entry.split('=')[0] ?? '', entry]));
}

/** Passes on what the registry tells of its settings. */
export async function* watchSettings({ clock, ...access }: SettingsOptions, signal: AbortSignal) {
  const direct = toRegistry(access);
  try {
    const watch = registryOver(direct, access.registry).settings.watchSettings({}, { signal })[Symbol.asyncIterator]();
    for (let next = watch.next(); ; ) {
      const come = new AbortController();
      const late = sleep(clock, HEARTBEAT_MS, come.signal).catch(() => undefined);
      const event = await Promise.race([next, late]).finally(() => come.abort());
      if (event?.done === true) return;
      yield event?.value ?? { settings: [] };
      if (event !== undefined) next = watch.next();
    }
  } finally {
    direct.close();
  }
}
