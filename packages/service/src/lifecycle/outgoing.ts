import type { Meter } from '@opentelemetry/api';
import { createCache, type ResponseCache, type StorePlugin } from '@rondo/cache';
import {
  type Channel,
  type ChannelOptions,
  type ChannelPolicies,
  createChannel,
  createRegistryChannel,
} from '@rondo/rpc/client';
import { callMetrics, createLoopback, folderStorage, type MutualTls } from '@rondo/rpc/internal';
import type { Part } from '@rondo/rpc/server';
import { keepsAnswers } from '../live-config/apply.js';
import { meterChannel } from '../metrics/channel.js';
import { type Plugin, pickPlugin } from '../plugin.js';
import { fingerprints } from './descriptors.js';
import { type Directory, registriesOf } from './directory.js';
import type { ServiceRuntime } from './service.js';

/** The calls of a process to other services. */
interface Outgoing {
  readonly channel: Channel;
  readonly cache: ResponseCache;
  readonly loopback: ReturnType<typeof createLoopback>;
}

/** What the channel needs besides the configuration. */
export interface OutgoingOptions {
  readonly meter: Meter;
  readonly maxReplyBytes?: number | undefined;
  readonly cacheBytes?: number | undefined;
  /** The descriptor set for the fingerprints of the contracts; undefined if there is none. */
  readonly descriptorSet: Uint8Array | undefined;
  /** Undefined without TLS. */
  readonly tls: MutualTls | undefined;
  readonly self: ChannelOptions['self'];
  /** Undefined for Rondo's own registry. */
  readonly directory: Directory | undefined;
  /** Receives what must be closed at the end of the process. */
  readonly parts: Part[];
}

/** The memory for kept answers by default. */
const MAX_CACHE_BYTES = 32 * 1024 * 1024;

/** Creates the channel to other services, which keeps the answers that their contracts let it keep. */
export async function createOutgoing(runtime: ServiceRuntime, options: OutgoingOptions): Promise<Outgoing> {
  const { name, config, clock, wallClock, random, log } = runtime;
  const { meter, maxReplyBytes, cacheBytes: maxBytes = MAX_CACHE_BYTES, tls, self, directory, parts } = options;
  const shared = maxBytes === 0 ? undefined : await sharedCache(runtime, options);
  const keeps = keepsAnswers(runtime);
  const cache = createCache({ clock, meter, maxBytes, shared, keeps, self: name, log });
  const own: Omit<Parameters<typeof createLoopback>[0], 'identity'> = {
    middleware: [callMetrics('client', { meter, clock })],
    clock,
    wallClock,
    random,
    logger: log,
    policies: runtime.plugins.find(isPolicies),
  };
  const calls: Omit<ChannelOptions, 'resolver' | 'tls'> = {
    ...own,
    wireMiddleware: maxBytes === 0 ? [] : [cache.middleware],
    zone: config.zone,
    ...(config.balancing && { balancing: config.balancing }),
    maxReplyBytes,
    frames: config.transport !== 'grpc',
    mutualTls: tls,
    self,
  };
  const storage = config.registryCache === undefined ? {} : { storage: folderStorage(config.registryCache, random) };
  const channel = directory
    ? createChannel({ healthCheck: true, ...calls, resolver: directory.resolver })
    : createRegistryChannel({ ...calls, registry: registriesOf(config), ...storage });
  cache.attach(channel);
  const loopback = createLoopback({ ...own, identity: tls?.identity.current.id.uri });
  parts.push({ name: 'the loopback', stop: () => loopback.channel.close() });
  parts.push({ name: 'the channel', stop: () => channel.close() }, { name: 'the cache', stop: cache.close });
  meterChannel(meter, channel);
  return { channel, cache, loopback };
}

const isPolicies = (plugin: Plugin): plugin is Plugin & ChannelPolicies => plugin.kind === 'policies';

const isStore = (plugin: Plugin): plugin is StorePlugin => plugin.kind === 'cache';

/** The second level of the cache; undefined if `RONDO_CACHE` isn't set. */
async function sharedCache(
  { name, config, clock, wallClock, random, log, plugins }: ServiceRuntime,
  { meter, descriptorSet }: OutgoingOptions,
): Promise<Parameters<typeof createCache>[0]['shared']> {
  if (config.cache === undefined) return undefined;
  const { cache: url } = config;
  const plugin = pickPlugin(plugins, { is: isStore, variable: 'RONDO_CACHE', url });
  const errors = meter.createCounter('rondo.cache.shared.errors', {
    unit: '{command}',
    description: 'Commands to the shared store that failed, or took longer than 50 ms.',
  });
  const store = await plugin.open({ url, clock, random, log, onError: () => errors.add(1) });
  const known = new Map<string, string | undefined>();
  const fingerprintOf = (service: string): string | undefined => {
    if (!known.has(service)) known.set(service, fingerprints([service], descriptorSet, log)[service]);
    return known.get(service);
  };
  return { store, fingerprintOf, caller: name, wallClock };
}
