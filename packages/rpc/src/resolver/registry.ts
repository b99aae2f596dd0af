import { type Clock, type Random, systemWallClock, type WallClock } from '@rondo/base';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Logger, silentLogger } from '../call/call.js';
import type { TlsUse } from './endpoint.js';
import { SavedEndpoints } from './endpoint-cache.js';
import type { EndpointStorage } from './endpoint-storage.js';
import type { Resolver } from './resolver.js';
import { type Watch, WatchClient, type WatchClientOptions } from './watch-client.js';

export interface RegistryResolverOptions {
  readonly watch: Watch;
  /** The registry's addresses: replicas over one store, any of which will do. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly wallClock?: WallClock;
  readonly random: Random;
  readonly logger?: Logger;
  /** Saves the known instances for a process that starts while the registry is away; nothing is saved without it. */
  readonly storage?: EndpointStorage;
  /** Whether this client has mutual TLS, and needs it; undefined if it has none. */
  readonly tls?: TlsUse | undefined;
  readonly close?: () => void;
}

/**
 * A resolver that watches the registry, with one stream per service. A broken watch resumes where it ended, at another
 * address if there is one. Whatever the registry does, a known instance is kept until it is known to have left.
 *
 * @throws TypeError if there is no address.
 */
export function registryResolver(options: RegistryResolverOptions): Resolver {
  const addresses = [...new Set(options.addresses)];
  if (addresses.length === 0) throw new TypeError('a registry resolver needs the address of at least one registry');
  const saved = savedOf(addresses, options);
  const shared = sharedOf(addresses, options, saved);
  const running = new Set<AbortController>();
  const stop = (one: AbortController) => {
    running.delete(one);
    one.abort();
  };
  return {
    source: `the registry at ${addresses.join(', ')}`,
    remedy: 'start it, or set RONDO_REGISTRY to where it is',
    resolve(service, listener) {
      const one = new AbortController();
      running.add(one);
      const client = new WatchClient(service, listener, shared);
      void client.run(one.signal);
      return { close: () => stop(one), inspect: () => client.view() };
    },
    close() {
      for (const one of running) stop(one);
      saved?.close();
      options.close?.();
    },
  };
}

function savedOf(registry: readonly string[], options: RegistryResolverOptions): SavedEndpoints | undefined {
  const { storage, clock, wallClock = systemWallClock, logger: log = silentLogger } = options;
  return storage === undefined ? undefined : new SavedEndpoints({ storage, registry, clock, wallClock, log });
}

function sharedOf(
  addresses: readonly string[],
  { watch, clock, random, logger: log = silentLogger, tls }: RegistryResolverOptions,
  saved: SavedEndpoints | undefined,
): WatchClientOptions {
  // Clients begin at different replicas, which spreads the load.
  const preferred = { index: Math.floor(random.next() * addresses.length) };
  const onUnusable = once<Instance>(({ instanceId }) => {
    const how = tls === 'on' ? 'with TLS, as RONDO_TLS=on asks for' : 'without TLS, as RONDO_TLS is off';
    log.warn(
      { instanceId },
      `some instances are left out: they have no endpoint that this client can call, which is gRPC ${how}`,
    );
  });
  const onSplit = once(() => {
    const message =
      "the registries listed don't share a store, so each knows only a part: list one, or several over one store";
    log.warn({ registry: addresses }, message);
  });
  return { watch, addresses, preferred, saved, clock, random, log, tls, onUnusable, onSplit };
}

/** Runs `action` the first time only. */
function once<T = void>(action: (value: T) => void): (value: T) => void {
  let done = false;
  return (value) => {
    if (!done) action(value);
    done = true;
  };
}
