import { sleep, systemClock } from '@rondo/rpc/clock';
import type { Instance } from '../../src/domain/instance.js';
import type { Lease } from '../../src/domain/lease.js';
import type { Position, RegistryStore, WatchEvent } from '../../src/domain/store.js';
import { ownSecret, registration } from '../store/fixture.js';

const CHANGE_MS = 100;
/** Only a hang takes so long. */
export const READY_MS = 300_000;

/** Waits until a store is ready. */
export async function untilReady(store: { ready(): Promise<void> }): Promise<void> {
  const lastMs = systemClock.now() + READY_MS;
  for (;;) {
    try {
      await store.ready();
      return;
    } catch (error) {
      if (systemClock.now() > lastMs) throw error;
    }
  }
}

/** An instance that keeps renewing and changing at whichever registry answers. */
export class Holder {
  readonly #instanceId: string;
  readonly #stores: readonly RegistryStore[];
  readonly #errors: unknown[] = [];
  #lease: Lease;
  #weight = 1;
  #changes = 0;
  #stopped = false;
  #done: Promise<void> | undefined;

  constructor(instanceId: string, stores: readonly RegistryStore[]) {
    this.#instanceId = instanceId;
    this.#stores = stores;
    this.#lease = { instanceId, leaseId: '' };
  }

  async start(ttlMs: number): Promise<void> {
    const instanceId = this.#instanceId;
    const { leaseId } = await this.#ask((store) =>
      store.register(registration({ instanceId, weight: 1 }), ttlMs, ownSecret(1n)),
    );
    this.#lease = { instanceId, leaseId };
    this.#done = this.#run();
  }

  /** The number of its changes so far. */
  get changes(): number {
    return this.#changes;
  }

  async stop() {
    this.#stopped = true;
    await this.#done;
    return { instanceId: this.#instanceId, weight: this.#weight, errors: this.#errors };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#ask((store) => store.renew(this.#lease));
        const weight = (this.#weight % 1000) + 1;
        await this.#ask((store) => store.update(this.#lease, { weight }, BigInt(this.#changes + 2)));
        this.#weight = weight;
        this.#changes += 1;
      } catch (error) {
        this.#errors.push(error);
      }
      await sleep(systemClock, CHANGE_MS);
    }
  }

  /** Calls one registry, and another one if that fails. */
  async #ask<T>(call: (store: RegistryStore) => Promise<T>): Promise<T> {
    const first = Math.floor(Math.random() * this.#stores.length);
    for (let tried = 0; ; tried += 1) {
      const store = this.#stores[(first + tried) % this.#stores.length];
      if (store === undefined) throw new Error('no registry is left');
      try {
        return await call(store);
      } catch (error) {
        if (tried > 0) throw error;
      }
    }
  }
}

/**
 * A client that watches all instances, moves to another registry if one fails, and checks every event against the
 * rules.
 */
export class Watcher {
  readonly held = new Map<string, Instance>();
  readonly #stores: readonly RegistryStore[];
  readonly #faults: string[] = [];
  readonly #stop = new AbortController();
  #index: number;
  #position: Position | undefined;
  #done: Promise<void> | undefined;

  constructor(stores: readonly RegistryStore[], index: number) {
    this.#stores = stores;
    this.#index = index;
  }

  start(): void {
    this.#done = this.#run();
  }

  async stop() {
    this.#stop.abort();
    await this.#done;
    return { faults: this.#faults };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const store = this.#stores[this.#index++ % this.#stores.length];
      try {
        const events = store?.watch({ service: undefined, resumeFrom: this.#position, signal }) ?? [];
        for await (const event of events) this.#apply(event);
      } catch {
        await sleep(systemClock, 20); // continue at another registry
      }
    }
  }

  #apply(event: WatchEvent): void {
    if (event.kind === 'snapshot-part') return;
    const before = this.#position;
    if (before !== undefined && event.position.revision < before.revision) {
      this.#faults.push(`${event.kind} of ${event.position.revision} after ${before.revision}`);
    }
    if (event.kind === 'snapshot' && before !== undefined) this.#faults.push('another snapshot: it could not resume');
    this.#position = event.position;
    if (event.kind === 'snapshot') for (const instance of event.instances) this.#put(instance);
    if (event.kind !== 'delta') return;
    for (const instance of event.upserts) this.#put(instance);
    for (const { instanceId } of event.removals) this.#faults.push(`${instanceId} was removed`);
  }

  #put(instance: Instance): void {
    const present = this.held.get(instance.instanceId);
    if (present !== undefined && instance.revision < present.revision)
      this.#faults.push(`${instance.instanceId} went back`);
    this.held.set(instance.instanceId, instance);
  }
}
