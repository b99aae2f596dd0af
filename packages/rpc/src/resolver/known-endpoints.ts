import { type Delta, type Instance, RemovalReason } from '@rondo/contracts/rondo/registry/v1/registry';
import { toEndpoint } from './endpoint.js';
import type { Endpoint } from './resolver.js';

/** More than a registry holds by default, of all services together: what goes on growing past it is none. */
const MAX_INSTANCES = 50_000;

/** What is known of a service's instances, and how the registry's answers change it. */
export class KnownEndpoints {
  readonly #endpoints = new Map<string, Endpoint>();
  /** Those that the registry hasn't named since it, or this process, started. */
  readonly #unconfirmed = new Set<string>();
  readonly #onUnusable: (instance: Instance) => void;

  /** @param onUnusable is told of each instance that is left out, as it can't be spoken with. */
  constructor(onUnusable: (instance: Instance) => void) {
    this.#onUnusable = onUnusable;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  list(): readonly Endpoint[] {
    return [...this.#endpoints.values()];
  }

  /** Adds what an earlier process knew, until the registry says otherwise. Returns how many were new. */
  recall(endpoints: readonly Endpoint[]): number {
    const added = endpoints.filter(({ instanceId }) => !this.#endpoints.has(instanceId));
    for (const endpoint of added) {
      this.#endpoints.set(endpoint.instanceId, endpoint);
      this.#unconfirmed.add(endpoint.instanceId);
    }
    return added.length;
  }

  /**
   * Takes a whole snapshot. What it doesn't name is unconfirmed, and goes with {@link confirm}; one that was draining
   * goes at once, as it was about to.
   */
  applySnapshot(instances: readonly Instance[]): void {
    for (const instanceId of this.#endpoints.keys()) this.#unconfirmed.add(instanceId);
    this.#upsert(instances);
    for (const instanceId of this.#unconfirmed) {
      if (this.#endpoints.get(instanceId)?.standing === 'draining') this.#remove(instanceId);
    }
  }

  /** Takes changes. Returns the ids of those that said goodbye. */
  applyDelta({ upserts, removals }: Delta): readonly string[] {
    checkCount(this.#endpoints.size + upserts.length);
    this.#upsert(upserts);
    for (const { instanceId } of removals) this.#remove(instanceId);
    return removals.filter(({ reason }) => SAID_GOODBYE.has(reason)).map(({ instanceId }) => instanceId);
  }

  /** The registry knows everybody: what it hasn't named goes. Returns whether something did. */
  confirm(): boolean {
    const gone = [...this.#unconfirmed];
    for (const instanceId of gone) this.#remove(instanceId);
    return gone.length > 0;
  }

  #upsert(instances: readonly Instance[]): void {
    for (const instance of instances) {
      const endpoint = toEndpoint(instance);
      this.#unconfirmed.delete(instance.instanceId);
      if (endpoint === undefined) {
        this.#endpoints.delete(instance.instanceId);
        this.#onUnusable(instance);
      } else this.#endpoints.set(instance.instanceId, endpoint);
    }
  }

  #remove(instanceId: string): void {
    this.#endpoints.delete(instanceId);
    this.#unconfirmed.delete(instanceId);
  }
}

/**
 * Bounds what a registry can make a client hold.
 *
 * @throws Error where there can't be `count` instances.
 */
export function checkCount(count: number): void {
  if (count > MAX_INSTANCES) throw new Error(`it names more than ${MAX_INSTANCES} instances`);
}

/** A reason that is unknown here proves nothing: that instance is kept while its connection stands. */
const SAID_GOODBYE: ReadonlySet<RemovalReason> = new Set([
  RemovalReason.REMOVAL_REASON_DEREGISTERED,
  RemovalReason.REMOVAL_REASON_REPLACED,
]);
