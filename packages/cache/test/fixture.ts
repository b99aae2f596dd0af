import { createNoopMeter } from '@opentelemetry/api';
import { CachedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/cached';
import { type ChannelOptions, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, type Handlers, implement } from '@rondo/rpc/server';
import { createMemoryNetwork, ManualClock } from '@rondo/rpc/testing';
import type { CacheOptions } from '../src/cache.js';
import { createCache } from '../src/exports/index.js';
import type { SharedOptions } from '../src/shared/second-level.js';

type CachedHandlers = Handlers<typeof CachedServiceDefinition>;

/** What a test replaces. */
export interface FixtureOptions
  extends Partial<Pick<ChannelOptions, 'middleware'>>,
    Partial<Omit<CacheOptions, 'shared'>> {
  readonly shared?: Omit<SharedOptions, 'wallClock'>;
  readonly handlers?: Partial<CachedHandlers>;
  readonly clock?: ManualClock;
}

/** Answers with the name and the number of the call. */
export function countingHandlers() {
  const counts = { get: 0, describe: 0 };
  const handlers: CachedHandlers = {
    getEntry({ name }) {
      counts.get += 1;
      return { name, content: Buffer.from(`content ${counts.get}`), part: { text: `part ${counts.get}` } };
    },
    describeEntry({ name }, { metadata }) {
      counts.describe += 1;
      return { text: `${name} ${metadata.get('accept-language')} ${counts.describe}` };
    },
    readEntry: ({ name }) => ({ text: name }),
    listEntries: () => ({}),
    watchEntries: async function* () {},
    putEntry: () => ({}),
  };
  return { counts, handlers };
}

/** A client with a cache, over the memory transport. */
export function cached(options: FixtureOptions = {}) {
  const { clock = new ManualClock(), middleware = [], maxBytes = 1024 * 1024 } = options;
  const { counts, handlers } = countingHandlers();
  const network = createMemoryNetwork();
  const service = implement(CachedServiceDefinition, { ...handlers, ...options.handlers });
  network.listen('memory', createRouter({ services: [service], clock, wallClock: clock.wall }));
  const shared = options.shared && { ...options.shared, wallClock: clock.wall };
  const cache = createCache({
    meter: createNoopMeter(),
    maxBytes,
    clock,
    shared,
    keeps: options.keeps,
    log: options.log,
  });
  const channel = createChannel({
    resolver: staticResolver(['memory']),
    transport: network.transport,
    clock,
    wallClock: clock.wall,
    middleware,
    wireMiddleware: [cache.middleware],
  });
  cache.attach(channel);
  return { clock, counts, cache, channel, client: createClient(CachedServiceDefinition, { channel }) };
}

/** A promise that a test settles. */
export function gate<T = void>() {
  let open: (value: T) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const opened = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open, fail };
}
