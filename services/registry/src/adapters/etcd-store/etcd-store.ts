import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '@rondo/rpc/clock';
import type { RegisterOptions } from '../../domain/admission.js';
import { StoreClosed, StoreUnreachable } from '../../domain/errors.js';
import type { InstanceChange, Registration } from '../../domain/instance.js';
import type { Lease } from '../../domain/lease.js';
import { newEpoch, type Position } from '../../domain/position.js';
import type {
  InstancePage,
  InstanceQuery,
  OperatorMarks,
  OperatorWish,
  Registered,
  RegistryStore,
  Renewed,
  ServiceList,
  StoreCounts,
  Updated,
  WatchQuery,
} from '../../domain/store.js';
import type { WatchEvent } from '../../domain/watch-event.js';
import { listInstances, listServices, onWallClock } from '../catalog/lists.js';
import type { StoreOptions } from '../catalog/store-options.js';
import type { Etcd, KeyEvent } from './etcd-client.js';
import { type Follower, follow, type Loaded } from './follower.js';
import { type Health, watchHealth } from './health.js';
import { type Keys, keysUnder } from './keys.js';
import { createLife, type Life } from './life.js';
import { Reaper } from './reaper.js';
import { decodeEpoch, type EpochRecord, encode, toInstance } from './record.js';
import { withRetries } from './retry.js';
import { put, unchanged } from './transaction.js';
import { Waiters } from './waiters.js';
import { Writer } from './writer.js';

/** What an etcd store is made from. */
export interface EtcdStoreOptions extends StoreOptions {
  /** It is the store's from now on, which closes it. */
  readonly etcd: Etcd;
  /** What its keys begin with. */
  readonly prefix: string;
  /** By which etcd is waited for; `clock` unless a test moves that. */
  readonly ioClock?: Clock;
}

/** How long a caller waits to see its own change here, and a watcher for what it knows from elsewhere. */
const CATCH_UP_MS = 1_000;
/** Who didn't hear of etcd for longer may have kept others from renewing. */
const AWAY_MS = 1_000;
/** How long whoever asks whether the store is there waits for it. */
const READY_MS = 2_500;

/**
 * A store in etcd, for any number of registries. Each follows all of etcd's keys by one watch into a catalog of its own,
 * and serves lists and watches from that, at revisions that all of them share; changes are transactions in etcd.
 * See docs/adr/0016-etcd-store.md.
 */
export class EtcdStore implements RegistryStore {
  readonly #options: EtcdStoreOptions;
  readonly #etcd: Etcd;
  readonly #keys: Keys;
  readonly #reaper: Reaper;
  readonly #writer: Writer;
  readonly #follower: Follower;
  readonly #health: Health;
  readonly #ioClock: Clock;
  readonly #waiters: Waiters;
  #life: Life | undefined;
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
    const size = () => this.#life?.catalog.size ?? 0;
    const remove = (instanceId: string) => this.#writer.removeLapsed(instanceId);
    this.#reaper = new Reaper({ clock, ioClock, log, size, remove });
    const live = () => this.#living();
    const local = {
      standing: (instanceId: string) => live().replica.standing(instanceId),
      servicesWith: (services: readonly string[]) => live().catalog.servicesWith(services),
      get instances() {
        return live().catalog.size;
      },
      get marks() {
        return live().replica.marks.length;
      },
      get goodbyes() {
        return live().replica.goodbyes;
      },
    };
    this.#writer = new Writer({ etcd, keys, local, limits, wallClock, ioClock, random, log });
    const listener = {
      onLoad: (loaded: Loaded) => this.#onLoad(loaded),
      onEvents: (events: readonly KeyEvent[]) => this.#onEvents(events),
      onConnection: (failure: string | undefined) => this.#onConnection(failure),
    };
    this.#follower = follow({ etcd, keys, listener, clock: ioClock, random, log });
    this.#health = watchHealth({
      etcd,
      head: keys.head,
      follower: this.#follower,
      position: () => this.#life?.catalog.position.revision ?? 0n,
      failure: () => this.#failure,
      clock: ioClock,
      random,
      log,
    });
  }

  /** Where it is, as it stands in a sentence; no password in it. */
  get name(): string {
    return `the store at ${this.#etcd.name}`;
  }

  /** Whether etcd answers and tells of changes: lists and watches go on where it doesn't. */
  get connected(): boolean {
    return this.#health.connected;
  }

  /** Resolves once it has read what etcd has, which happens once. Rejects with the reason where it hasn't soon. */
  async ready(): Promise<void> {
    await this.#waiters.until(() => this.#life !== undefined || this.#closed, { timeoutMs: READY_MS });
    this.#living();
  }

  get counts(): StoreCounts {
    const { catalog, watches } = this.#life ?? {};
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
      await this.#untilSeen(await this.#writer.noteRefusal(fault, registration, ttlMs));
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
    const present = this.#living().catalog.get(lease.instanceId);
    const told = toInstance(value.record, value.operatorState, present?.revision ?? 0n);
    const instance = isDeepStrictEqual(told, present) ? told : { ...told, revision: revision ?? position.revision };
    return { instance, position };
  }

  async deregister(lease: Lease, sequence = 0n): Promise<Position> {
    const { revision } = await this.#writer.deregister(lease, sequence);
    return this.#since(revision);
  }

  async setOperatorState(instanceId: string, wish: OperatorWish): Promise<Position> {
    const { revision } = await this.#writer.setOperatorState(instanceId, wish);
    if (revision !== undefined) this.#options.log.info({ instanceId, ...wish }, 'operator state set');
    return this.#since(revision);
  }

  async listOperatorStates(): Promise<OperatorMarks> {
    const { replica, catalog } = this.#living();
    const marks = [...replica.marks].sort((one, other) => (one.instanceId < other.instanceId ? -1 : 1));
    return { marks, position: catalog.position };
  }

  async listServices(): Promise<ServiceList> {
    return listServices(this.#living());
  }

  async listInstances(query: InstanceQuery): Promise<InstancePage> {
    const { catalog, warming, replica } = this.#living();
    const refusals = {
      isEmpty: replica.hasNoRefusals,
      of: (instanceId: string) => replica.standing(instanceId).refusal?.value,
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
    this.#life?.close();
    this.#waiters.close();
    await Promise.all([this.#follower.stop(), this.#health.stop(), this.#reaper.close()]);
    this.#etcd.close();
  }

  /** A watcher that has been told more elsewhere isn't told less here, unless this registry doesn't catch up in time. */
  async #beginWatch(query: WatchQuery): Promise<AsyncIterator<WatchEvent>> {
    const { resumeFrom, signal } = query;
    const { catalog } = this.#living();
    if (resumeFrom?.epoch === catalog.position.epoch) {
      const isCaughtUp = () => catalog.position.revision >= resumeFrom.revision;
      await this.#waiters.until(isCaughtUp, { timeoutMs: CATCH_UP_MS, signal });
    }
    return this.#living().watches.follow(query)[Symbol.asyncIterator]();
  }

  #living(): Life {
    if (this.#closed) throw new StoreClosed();
    if (this.#life === undefined) throw new StoreUnreachable(this.#etcd.name, this.#failure ?? 'no answer yet');
    return this.#life;
  }

  /** The position once a change is seen here: its caller finds it in every list from now on. */
  async #since(revision: bigint | undefined): Promise<Position> {
    const { catalog, replica } = this.#living();
    if (revision === undefined) return catalog.position;
    await this.#untilSeen(revision);
    return replica.seen >= revision ? catalog.position : { ...catalog.position, revision };
  }

  async #untilSeen(revision: bigint | undefined): Promise<void> {
    if (revision === undefined) return;
    await this.#waiters.until(() => (this.#life?.replica.seen ?? 0n) >= revision, { timeoutMs: CATCH_UP_MS });
  }

  /** False where the epoch had to be written first. */
  async #onLoad({ pairs, revision, clusterId }: Loaded): Promise<boolean> {
    const found = pairs.find(({ key }) => key.equals(this.#keys.epoch));
    const epoch = found?.value && decodeEpoch(found.value);
    if (found === undefined || epoch === undefined || epoch.clusterId !== clusterId) {
      await this.#writeEpoch(epoch, { clusterId, modRevision: found?.revision ?? 0n });
      return false;
    }
    const life = this.#lifeOf(epoch);
    this.#reaper.woke();
    life.replica.load(pairs, revision);
    this.#life = life;
    this.#waiters.notify();
    return true;
  }

  /** Whoever comes first writes it; the others read it. */
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

  /** The same life again where the epoch is the same. Those who watch another are to come again. */
  #lifeOf(epoch: EpochRecord): Life {
    if (this.#life?.epoch === epoch.epoch) return this.#life;
    this.#life?.close();
    const onWarm = () => void this.#endWarming(life);
    const life: Life = createLife({ ...this.#options, epoch, keys: this.#keys, leases: this.#reaper, onWarm });
    return life;
  }

  #onConnection(failure: string | undefined): void {
    const nowMs = this.#ioClock.now();
    if (failure !== undefined) this.#failingSinceMs ??= nowMs;
    else {
      if (nowMs - (this.#failingSinceMs ?? nowMs) > AWAY_MS) this.#reaper.woke();
      this.#failingSinceMs = undefined;
    }
    this.#failure = failure;
  }

  #onEvents(events: readonly KeyEvent[]): void {
    this.#life?.replica.apply(events);
    this.#waiters.notify();
  }

  /** Everybody gets a snapshot: from a revision of its own, so that nothing that happens since is taken for known. */
  async #endWarming({ catalog }: Life): Promise<void> {
    const { random, log } = this.#options;
    const mark = () => this.#etcd.commit([], [put(this.#keys.head, Buffer.alloc(0))]);
    try {
      const { revision } = await withRetries(mark, { name: this.#etcd.name, clock: this.#ioClock, random });
      await this.#waiters.until(() => catalog.position.revision >= revision, { timeoutMs: CATCH_UP_MS });
      catalog.restartHistory(revision);
    } catch (error) {
      if (!this.#closed) log.warn({ err: error }, 'watchers get no snapshot now that the registry is warm');
    }
  }
}
