import {
  type Delta,
  type Instance,
  InstanceStatus,
  type Position,
  RemovalReason,
  type WatchRequest,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { type Logger, silentLogger } from '../call/index.js';
import { type Clock, type Random, sleep } from '../clock/index.js';
import type { Endpoint, Resolver, ResolverListener } from './resolver.js';

/** The one method of the registry that a resolver needs. */
export type Watch = (
  request: Partial<WatchRequest>,
  options: { readonly signal: AbortSignal },
) => AsyncIterable<WatchResponse>;

/** What a registry resolver is made from. */
export interface RegistryResolverOptions {
  readonly watch: Watch;
  /** The registry's addresses, for messages. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger;
  /** Ends the connection to the registry. */
  readonly close?: () => void;
}

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 3_000;

/**
 * Resolves by watching the registry: one stream a service. It resumes where it broke off; while the registry is away,
 * what was known stands.
 */
export function registryResolver(options: RegistryResolverOptions): Resolver {
  const source = `the registry at ${options.addresses.join(', ')}`;
  const running = new Set<AbortController>();
  const stop = (one: AbortController) => {
    running.delete(one);
    one.abort();
  };
  return {
    source,
    resolve(service, listener) {
      const one = new AbortController();
      running.add(one);
      void new Follower(service, listener, options).run(one.signal);
      return { close: () => stop(one) };
    },
    close() {
      for (const one of running) stop(one);
      options.close?.();
    },
  };
}

/** Follows one service. */
class Follower {
  readonly #service: string;
  readonly #listener: ResolverListener;
  readonly #options: RegistryResolverOptions;
  readonly #log: Logger;
  readonly #instances = new Map<string, Instance>();
  /** Those that a registry which started empty hasn't named again yet. */
  readonly #unconfirmed = new Set<string>();
  /** What has come of a snapshot in parts. */
  #parts: Instance[] = [];
  #position: Position | undefined;
  /** Whether the listener knows all that is known here. */
  #resolved = false;
  #lost = false;

  constructor(service: string, listener: ResolverListener, options: RegistryResolverOptions) {
    this.#service = service;
    this.#listener = listener;
    this.#options = options;
    this.#log = options.logger ?? silentLogger;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      this.#parts = [];
      try {
        for await (const event of this.#options.watch(this.#request(), { signal })) {
          failures = 0;
          this.#onReached();
          this.#apply(event);
        }
        this.#onLost('it ended the watch');
      } catch (error) {
        if (signal.aborted) return;
        this.#onLost(error instanceof Error ? error.message : String(error));
      }
      const backoffMs = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** failures) * (0.5 + random.next() / 2);
      await sleep(clock, backoffMs, signal).catch(() => undefined);
    }
  }

  #request(): Partial<WatchRequest> {
    return this.#position === undefined
      ? { service: this.#service }
      : { service: this.#service, resumeFrom: this.#position };
  }

  #apply({ position, warming, event }: WatchResponse): void {
    if (event?.$case === 'snapshot') this.#parts.push(...event.value.instances);
    if (event?.$case === 'snapshot' && event.value.more) return;
    this.#position = position;
    const departed: string[] = [];
    if (event?.$case === 'snapshot') this.#applySnapshot(this.#parts.splice(0));
    else if (event?.$case === 'delta') departed.push(...this.#applyDelta(event.value));
    if (!warming) this.#dropUnconfirmed();
    // A registry that has just started empty can't say that there is nobody.
    if (warming && this.#instances.size === 0) {
      this.#listener.onPending();
      return;
    }
    if (event?.$case === 'progress' && this.#resolved) return;
    this.#resolved = true;
    this.#listener.onResolution({ endpoints: [...this.#instances.values()].flatMap(toEndpoint), departed });
  }

  /** What the snapshot doesn't name is unconfirmed, and goes unless the registry is still warming. */
  #applySnapshot(instances: readonly Instance[]): void {
    for (const instanceId of this.#instances.keys()) this.#unconfirmed.add(instanceId);
    this.#upsert(instances);
  }

  #applyDelta({ upserts, removals }: Delta): readonly string[] {
    this.#upsert(upserts);
    for (const { instanceId } of removals) this.#instances.delete(instanceId);
    return removals
      .filter(({ reason }) => reason !== RemovalReason.REMOVAL_REASON_EXPIRED)
      .map(({ instanceId }) => instanceId);
  }

  #upsert(instances: readonly Instance[]): void {
    for (const instance of instances) {
      this.#instances.set(instance.instanceId, instance);
      this.#unconfirmed.delete(instance.instanceId);
    }
  }

  #dropUnconfirmed(): void {
    if (this.#unconfirmed.size > 0) this.#resolved = false;
    for (const instanceId of this.#unconfirmed) this.#instances.delete(instanceId);
    this.#unconfirmed.clear();
  }

  #onReached(): void {
    if (!this.#lost) return;
    this.#lost = false;
    this.#log.info({ target: this.#service, registry: this.#options.addresses }, 'the registry is back');
  }

  #onLost(reason: string): void {
    this.#listener.onFailure(reason);
    if (this.#lost) return;
    this.#lost = true;
    const fields = { target: this.#service, registry: this.#options.addresses, known: this.#instances.size, reason };
    this.#log.warn(fields, 'the registry is away: calls go on over the instances known');
  }
}

function toEndpoint({ instanceId, endpoints, zone, status }: Instance): Endpoint[] {
  const address = endpoints[0]?.address;
  if (address === undefined) return [];
  return [{ instanceId, address, zone, serving: status === InstanceStatus.INSTANCE_STATUS_SERVING }];
}
