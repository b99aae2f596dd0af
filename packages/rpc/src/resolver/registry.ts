import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Logger, silentLogger } from '../call/index.js';
import { type Clock, type Random, systemWallClock, type WallClock } from '../clock/index.js';
import { SavedEndpoints } from './endpoint-cache.js';
import type { EndpointStorage } from './endpoint-storage.js';
import type { Resolver } from './resolver.js';
import { type Watch, WatchClient, type WatchClientOptions } from './watch-client.js';

/** What a registry resolver is made from. */
export interface RegistryResolverOptions {
  readonly watch: Watch;
  /** The registry's addresses: replicas over one store, of which any one will do. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly wallClock?: WallClock;
  readonly random: Random;
  readonly logger?: Logger;
  /** Keeps what is known for a process that starts while the registry is away; nothing is kept without it. */
  readonly storage?: EndpointStorage;
  /** Ends the connections to the registry. */
  readonly close?: () => void;
}

/**
 * Resolves by watching the registry: one stream a service. It resumes where it broke off, at another address where there
 * is one; whatever the registry does or says, what was known stands until it is known to be gone.
 *
 * @throws TypeError where there is no address.
 */
export function registryResolver(options: RegistryResolverOptions): Resolver {
  const addresses = [...new Set(options.addresses)];
  if (addresses.length === 0) throw new TypeError('a registry resolver needs the address of at least one registry');
  const lastKnown = keeperOf(addresses, options);
  const shared = sharedOf(addresses, options, lastKnown);
  const running = new Set<AbortController>();
  const stop = (one: AbortController) => {
    running.delete(one);
    one.abort();
  };
  return {
    source: `the registry at ${addresses.join(', ')}`,
    resolve(service, listener) {
      const one = new AbortController();
      running.add(one);
      const client = new WatchClient(service, listener, shared);
      void client.run(one.signal);
      return { close: () => stop(one), inspect: () => client.view() };
    },
    close() {
      for (const one of running) stop(one);
      lastKnown?.close();
      options.close?.();
    },
  };
}

function keeperOf(registry: readonly string[], options: RegistryResolverOptions): SavedEndpoints | undefined {
  const { storage, clock, wallClock = systemWallClock, logger: log = silentLogger } = options;
  return storage === undefined ? undefined : new SavedEndpoints({ storage, registry, clock, wallClock, log });
}

function sharedOf(
  addresses: readonly string[],
  { watch, clock, random, logger: log = silentLogger }: RegistryResolverOptions,
  lastKnown: SavedEndpoints | undefined,
): WatchClientOptions {
  // Clients that begin at different ones share the work out among them.
  const preferred = { index: Math.floor(random.next() * addresses.length) };
  const onUnusable = once<Instance>(({ instanceId }) => {
    const message = 'instances are left out that have no endpoint which can be spoken with: gRPC without TLS';
    log.warn({ instance: instanceId }, message);
  });
  const onSplit = once(() => {
    const message =
      'the registries listed have nothing to do with each other, so each knows a part: list one, or several over one store';
    log.warn({ registry: addresses }, message);
  });
  return { watch, addresses, preferred, lastKnown, clock, random, log, onUnusable, onSplit };
}

/** `action`, the first time it is asked for. */
function once<T = void>(action: (value: T) => void): (value: T) => void {
  let done = false;
  return (value) => {
    if (!done) action(value);
    done = true;
  };
}
