import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@rondo/rpc/clock';
import type { RegisterOptions } from '../../domain/admission.js';
import { StoreClosed, StoreUnreachable } from '../../domain/errors.js';
import type { InstanceChange, Registration } from '../../domain/instance.js';
import type { Lease } from '../../domain/lease.js';
import {
  type InstancePage,
  type InstanceQuery,
  newEpoch,
  type OperatorStateChange,
  type OperatorStateList,
  type Position,
  type Registered,
  type RegistryStore,
  type Renewed,
  type ServiceList,
  type StoreCounts,
  type Updated,
  type WatchEvent,
  type WatchQuery,
} from '../../domain/store.js';
import { listInstances, listServices, onWallClock } from '../catalog/lists.js';
import type { StoreOptions } from '../catalog/store-options.js';
import { createEpochState, type EpochState } from './epoch-state.js';
import { type Etcd, type KeyEvent, put, unchanged } from './etcd-client.js';
import { type Health, watchHealth } from './health.js';
import { type KeySnapshot, type KeyWatch, watchKeys } from './key-watch.js';
import { type Keys, keysUnder } from './keys.js';
import { Reaper } from './reaper.js';
import { decodeEpoch, type EpochRecord, encode, toInstance } from './record.js';
import { withRemedy, withRetries } from './retry.js';
import { Waiters } from './waiters.js';
import { Writer } from './writer.js';

export interface EtcdStoreOptions extends StoreOptions {
  /** The client of etcd. The store owns and closes it. */
  readonly etcd: Etcd;
  /** The prefix of the keys. */
  readonly prefix: string;
  /** The clock for waiting for etcd; `clock` unless a test moves that one. */
  readonly ioClock?: Clock;
}

/**
 * How long a call waits until this registry has applied its change, and a watch until this registry has caught up with
 * its position.
 */
const CATCH_UP_MS = 1_000;
/** A registry that lost etcd for longer than this may have kept instances from renewing. */
const AWAY_MS = 1_000;
/** How long {@link EtcdStore.ready} waits. */
const READY_MS = 2_500;

/**
 * A store in etcd, for any number of registries. Each registry watches all keys with one etcd watch, applies their
 * changes to a catalog of its own, and serves lists and watches from the catalog. All registries share the revisions. A
 * change is an etcd transaction. See docs/adr/0016-leases-and-stores.md.
 */
export class EtcdStore implements RegistryStore {
  readonly #options: EtcdStoreOptions;
  readonly #etcd: Etcd;
  readonly #keys: Keys;
  readonly #reaper: Reaper;
  readonly #writer: Writer;
  readonly #keyWatch: KeyWatch;
  readonly #health: Health;
  readonly #ioClock: Clock;
  readonly #waiters: Waiters;
  #state: EpochState | undefined;
  #failure: string | undefined;
  #failingSinceMs: number | undefined;
  #closed = false;

  constructor(options: EtcdStoreOptions) {
    const { etcd, prefix, clock, wallClock, ioClock = clock, random, log, limits } = options;
    const keys = keysUnder(prefix);
    this.#options = options;
    this.#etcd = etcd;
    this.#keys = keys;
    this.#ioClock = ioClock;
    this.#waiters = new Waiters(ioClock);
    const size = () => this.#state?.catalog.size ?? 0;
    const remove = (instanceId: string) => this.#writer.removeLapsed(instanceId);
    this.#reaper = new Reaper({ clock, ioClock, log, size, remove });
    const current = () => this.#current();
    const local = {
      stateOf: (instanceId: string) => current().replica.stateOf(instanceId),
      servicesWith: (services: readonly string[]) => current().catalog.servicesWith(services),
      serviceTimes: (services: readonly string[], registerTimeMs: number, nowMs?: number) =>
        current().catalog.serviceTimes(services, registerTimeMs, nowMs),
      get instances() {
        return current().catalog.size;
      },
      get operatorStates() {
        return current().replica.operatorStates.length;
      },
      get tombstones() {
        return current().replica.tombstones;
      },
    };
    this.#writer = new Writer({ etcd, keys, local, limits, wallClock, ioClock, random, log });
    const listener = {
      onSnapshot: (snapshot: KeySnapshot) => this.#onSnapshot(snapshot),
      onEvents: (events: readonly KeyEvent[]) => this.#onEvents(events),
      onConnection: (failure: string | undefined) => this.#onConnection(failure),
    };
    this.#keyWatch = watchKeys({ etcd, keys, listener, clock: ioClock, random, log });
    this.#health = watchHealth({
      etcd,
      head: keys.head,
      keyWatch: this.#keyWatch,
      position: () => this.#state?.catalog.position.revision ?? 0n,
      failure: () => this.#failure,
      // The other registries may not be cut off: watchers look there. If all are, watches go on here again.
      onCutOff: (reason) => this.#state?.watches.end(new StoreUnreachable(etcd.name, withRemedy(reason))),
      clock: ioClock,
      random,
      log,
    });
  }

  /** The name of the store for use in a sentence, without its password. */
  get name(): string {
    return `the store at ${this.#etcd.name}`;
  }

  /** Whether etcd answers and sends changes. Lists and watches continue while it doesn't. */
  get connected(): boolean {
    return this.#health.connected;
  }

  /** Resolves once the store has read the keys for the first time. Rejects with the reason if that takes too long. */
  async ready(): Promise<void> {
    await this.#waiters.until(() => this.#state !== undefined || this.#closed, { timeoutMs: READY_MS });
    this.#current();
  }

  get counts(): StoreCounts {
    const { catalog, watches } = this.#state ?? {};
    return {
      instances: catalog?.size ?? 0,
      watches: watches?.size ?? 0,
      heldExpiries: this.#reaper.held,
      revisions: Number(catalog?.position.revision ?? 0n),
    };
  }

  async register(registration: Registration, ttlMs: number, options: RegisterOptions = {}): Promise<Registered> {
    try {
      const { value: leaseId, revision } = await this.#writer.register(registration, ttlMs, options);
      return { leaseId, position: await this.#since(revision) };
    } catch (fault) {
      await this.#untilSeen(await this.#writer.recordRefusal(fault, registration, ttlMs));
      throw fault;
    }
  }

  async renew(lease: Lease): Promise<Renewed> {
    const { value: ttlMs, revision } = await this.#writer.renew(lease);
    return { ttlMs, position: await this.#since(revision) };
  }

  async update(lease: Lease, change: InstanceChange, sequence = 0n): Promise<Updated> {
    const { value, revision } = await this.#writer.update(lease, change, sequence);
    const position = await this.#since(revision);
    const present = this.#current().catalog.get(lease.instanceId);
    const updated = toInstance(value.record, value.operatorState, present?.revision ?? 0n);
    const instance = isDeepStrictEqual(updated, present)
      ? updated
      : { ...updated, revision: revision ?? position.revision };
    return { instance, position };
  }

  async deregister(lease: Lease, sequence = 0n): Promise<Position> {
    const { revision } = await this.#writer.deregister(lease, sequence);
    return this.#since(revision);
  }

  async setOperatorState(instanceId: string, change: OperatorStateChange): Promise<Position> {
    const { revision } = await this.#writer.setOperatorState(instanceId, change);
    if (revision !== undefined) this.#options.log.info({ instanceId, ...change }, 'operator state set');
    return this.#since(revision);
  }

  async listOperatorStates(): Promise<OperatorStateList> {
    const { replica, catalog } = this.#current();
    const marks = [...replica.operatorStates].sort((one, other) => (one.instanceId < other.instanceId ? -1 : 1));
    return { marks, position: catalog.position };
  }

  async listServices(): Promise<ServiceList> {
    return listServices(this.#current());
  }

  async listInstances(query: InstanceQuery): Promise<InstancePage> {
    const { catalog, warming, replica } = this.#current();
    const refusals = {
      isEmpty: replica.hasNoRefusals,
      of: (instanceId: string) => replica.stateOf(instanceId).refusal?.value,
    };
    const lapses = onWallClock(this.#reaper, this.#options);
    return listInstances({ catalog, warming, lapses, refusals }, query);
  }

  watch(query: WatchQuery): AsyncIterable<WatchEvent> {
    return {
      [Symbol.asyncIterator]: () => {
        let watch: AsyncIterator<WatchEvent> | undefined;
        return {
          next: async () => {
            watch ??= await this.#beginWatch(query);
            return watch.next();
          },
          return: async () => (await watch?.return?.()) ?? { done: true, value: undefined },
        };
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#state?.close();
    this.#waiters.close();
    await Promise.all([this.#keyWatch.stop(), this.#health.stop(), this.#reaper.close()]);
    this.#etcd.close();
  }

  /**
   * Opens a watch. If the watcher knows more from another registry, the watch first waits, up to a limit, for this
   * registry to catch up.
   */
  async #beginWatch(query: WatchQuery): Promise<AsyncIterator<WatchEvent>> {
    const { resumeFrom, signal } = query;
    const { catalog } = this.#current();
    if (resumeFrom?.epoch === catalog.position.epoch) {
      const isCaughtUp = () => catalog.position.revision >= resumeFrom.revision;
      await this.#waiters.until(isCaughtUp, { timeoutMs: CATCH_UP_MS, signal });
    }
    return this.#current().watches.open(query)[Symbol.asyncIterator]();
  }

  #current(): EpochState {
    if (this.#closed) throw new StoreClosed();
    if (this.#state === undefined) throw new StoreUnreachable(this.#etcd.name, this.#failure ?? 'no answer yet');
    return this.#state;
  }

  /**
   * Waits until this registry has applied a change, so that its caller finds the change in every later list. Returns
   * the position.
   */
  async #since(revision: bigint | undefined): Promise<Position> {
    const { catalog, replica } = this.#current();
    if (revision === undefined) return catalog.position;
    await this.#untilSeen(revision);
    return replica.appliedRevision >= revision ? catalog.position : { ...catalog.position, revision };
  }

  async #untilSeen(revision: bigint | undefined): Promise<void> {
    if (revision === undefined) return;
    await this.#waiters.until(() => (this.#state?.replica.appliedRevision ?? 0n) >= revision, {
      timeoutMs: CATCH_UP_MS,
    });
  }

  /** Applies a snapshot of the keys. Resolves to false if the epoch had to be written first. */
  async #onSnapshot({ pairs, revision, clusterId }: KeySnapshot): Promise<boolean> {
    const found = pairs.find(({ key }) => key.equals(this.#keys.epoch));
    const epoch = found?.value && decodeEpoch(found.value);
    if (found === undefined || epoch === undefined || epoch.clusterId !== clusterId) {
      await this.#writeEpoch(epoch, { clusterId, modRevision: found?.revision ?? 0n });
      return false;
    }
    const state = this.#stateOf(epoch);
    this.#reaper.startGrace();
    state.replica.load(pairs, revision);
    this.#state = state;
    this.#waiters.notify();
    return true;
  }

  /** Writes a new epoch, unless another registry does so first. Then that one is read. */
  async #writeEpoch(
    before: EpochRecord | undefined,
    { clusterId, modRevision }: { clusterId: bigint; modRevision: bigint },
  ): Promise<void> {
    const { wallClock, random } = this.#options;
    const startTimeMs = wallClock.now().getTime();
    const wanted = newEpoch(startTimeMs, random.next());
    const epoch = before !== undefined && before.epoch >= wanted ? before.epoch + 1n : wanted;
    const value = encode({ epoch, startTimeMs, clusterId });
    const steps = [put(this.#keys.epoch, value), put(this.#keys.head, Buffer.alloc(0))];
    await this.#etcd.commit([unchanged(this.#keys.epoch, modRevision)], steps);
  }

  /** The state of an epoch: the present one if the epoch is the same. Otherwise the watches of the present one end. */
  #stateOf(epoch: EpochRecord): EpochState {
    if (this.#state?.epoch === epoch.epoch) return this.#state;
    this.#state?.close();
    const onWarm = () => void this.#endWarming(state);
    const state: EpochState = createEpochState({
      ...this.#options,
      epoch,
      keys: this.#keys,
      leases: this.#reaper,
      onWarm,
    });
    return state;
  }

  #onConnection(failure: string | undefined): void {
    const nowMs = this.#ioClock.now();
    if (failure !== undefined) this.#failingSinceMs ??= nowMs;
    else {
      if (nowMs - (this.#failingSinceMs ?? nowMs) > AWAY_MS) this.#reaper.startGrace();
      this.#failingSinceMs = undefined;
    }
    this.#failure = failure && withRemedy(failure);
  }

  #onEvents(events: readonly KeyEvent[]): void {
    this.#state?.replica.apply(events);
    this.#waiters.notify();
  }

  /**
   * Sends a snapshot to every watcher. It has a revision of its own, so that no later change counts as already known.
   */
  async #endWarming({ catalog }: EpochState): Promise<void> {
    const { random, log } = this.#options;
    const writeHead = () => this.#etcd.commit([], [put(this.#keys.head, Buffer.alloc(0))]);
    try {
      const { revision } = await withRetries(writeHead, { name: this.#etcd.name, clock: this.#ioClock, random });
      await this.#waiters.until(() => catalog.position.revision >= revision, { timeoutMs: CATCH_UP_MS });
      catalog.raiseCompactionFloor(revision);
    } catch (error) {
      if (!this.#closed) log.warn({ err: error }, 'watchers get no snapshot at the end of warming');
    }
  }
}
