import type { Meter } from '@opentelemetry/api';
import { createCache, type ResponseCache } from '@rondo/cache';
import { type Channel, createRegistryChannel } from '@rondo/rpc/client';
import { callMetrics, folderStorage, type Self } from '@rondo/rpc/internal';
import { formatHostPort } from '../config/parsers.js';
import { meterBalancing, meterDiscovery } from '../metrics/metrics.js';
import type { Resources } from './drain.js';
import type { ServiceRuntime } from './service.js';

/** The calls of a process to other services. */
interface Outgoing {
  readonly channel: Channel;
  readonly cache: ResponseCache;
}

/** What the channel needs besides the configuration. */
interface OutgoingOptions {
  readonly meter: Meter;
  readonly maxReplyBytes: number | undefined;
  readonly self: Promise<Self | undefined>;
  readonly resources: Resources;
}

/** Creates the channel to other services, which keeps the answers that their contracts let it keep. */
export function createOutgoing(runtime: ServiceRuntime, options: OutgoingOptions): Outgoing {
  const { config, clock, wallClock, random, log } = runtime;
  const { meter, maxReplyBytes, self, resources } = options;
  const cache = createCache({ clock, meter, maxBytes: config.cacheBytes });
  resources.hold(cache.close);
  const channel = createRegistryChannel({
    registry: config.registry.map(formatHostPort),
    middleware: [callMetrics('client', { meter, clock })],
    wireMiddleware: config.cacheBytes === 0 ? [] : [cache.middleware],
    clock,
    wallClock,
    random,
    logger: log,
    zone: config.zone,
    ...(config.balancing && { balancing: config.balancing }),
    maxReplyBytes,
    compression: config.compression,
    tunnel: config.transport === 'tunnel',
    self,
    ...(config.registryCache !== undefined && { storage: folderStorage(config.registryCache, random) }),
  });
  resources.hold(() => channel.close());
  meterDiscovery(meter, channel);
  meterBalancing(meter, channel);
  return { channel, cache };
}
