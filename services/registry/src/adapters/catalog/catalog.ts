import { type Instance, type Registration, serviceTimeOf } from '../../domain/instance.js';
import type { Position, RemovalReason, ServiceSummary } from '../../domain/store.js';
import { type Change, View, type Watcher } from './view.js';

interface CatalogOptions {
  readonly epoch: bigint;
  /** How many removals it remembers; 50,000 by default. A removal counts once for each service of its instance. */
  readonly removalsKept?: number | undefined;
}

const DEFAULT_REMOVALS_KEPT = 50_000;

/** The key of a view: a service, or undefined for the view of all instances. */
type ViewKey = string | undefined;

interface KeptRemoval {
  readonly key: ViewKey;
  readonly removal: Change;
}

/**
 * The registered instances, with all changes in one order of revisions. It keeps a view for each service and one of all
 * instances. The cost of a change depends on the views of its instance and their watchers, not on the size of the
 * catalog.
 */
export class Catalog {
  readonly #epoch: bigint;
  readonly #instances = new Map<string, Instance>();
  readonly #views = new Map<ViewKey, View>();
  readonly #removals: RingBuffer<KeptRemoval>;
  #revision = 0n;
  #historyStart = 0n;
  #services = 0;
  #latestTimeMs = 0;

  constructor({ epoch, removalsKept = DEFAULT_REMOVALS_KEPT }: CatalogOptions) {
    this.#epoch = epoch;
    this.#removals = new RingBuffer(removalsKept);
  }

  get position(): Position {
    return { epoch: this.#epoch, revision: this.#revision };
  }

  /** Compaction floor: a watcher behind this revision needs a new snapshot. */
  get compactionFloor(): bigint {
    return this.#historyStart;
  }

  /** The number of instances. */
  get size(): number {
    return this.#instances.size;
  }

  get(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  /** The number of services that would have instances if an instance of `services` were added. */
  servicesWith(services: readonly string[]): number {
    return services.filter((service) => this.#live(service) === 0).length + this.#services;
  }

  /**
   * Adds an instance or replaces the one with its id. Watchers of a service that it no longer has get the removal
   * `replaced`.
   *
   * @param nowMs since the Unix epoch; `registerTimeMs` if the incarnation is new.
   */
  put(
    registration: Registration & Pick<Instance, 'operatorState'>,
    registerTimeMs: number,
    nowMs = registerTimeMs,
  ): Instance {
    const serviceTimesMs = this.serviceTimes(registration.services, registerTimeMs, nowMs);
    const instance = { ...registration, registerTimeMs, serviceTimesMs, revision: this.#nextRevision() };
    this.#place(instance);
    return instance;
  }

  /**
   * When the first instance of each service registered, for services whose time isn't `registerTimeMs`. A new
   * service gets a later time than all others, even if the clock was set back.
   */
  serviceTimes(services: readonly string[], registerTimeMs: number, nowMs = registerTimeMs): Record<string, number> {
    const newMs = Math.max(nowMs, this.#latestTimeMs + 1);
    const times = services.map((service) => [service, this.#views.get(service)?.firstTimeMs ?? newMs] as const);
    return Object.fromEntries(times.filter(([, timeMs]) => timeMs !== registerTimeMs));
  }

  /**
   * Like {@link Catalog.put}, for a store that assigns revisions itself. The instance's revision must be greater than
   * all before.
   */
  place(instance: Instance): void {
    this.advance(instance.revision);
    this.#place(instance);
  }

  /** Raises the revision to `revision` without a change, for a store that assigns revisions itself. */
  advance(revision: bigint): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  #place(instance: Instance): void {
    const before = this.#instances.get(instance.instanceId);
    this.#instances.set(instance.instanceId, instance);
    for (const key of viewKeys(instance)) this.#change(key, upsert(instance));
    for (const service of instance.services) this.#date(service, serviceTimeOf(instance, service));
    const dropped = before?.services.filter((service) => !instance.services.includes(service)) ?? [];
    for (const service of dropped) this.#remove(service, instance.instanceId, 'replaced');
  }

  /** Removes an instance, if it exists. Only a store that assigns revisions itself passes `revision`. */
  remove(instanceId: string, reason: RemovalReason, revision = this.#revision + 1n): Instance | undefined {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) return undefined;
    this.#instances.delete(instanceId);
    this.advance(revision);
    for (const key of viewKeys(instance)) this.#remove(key, instanceId, reason);
    return instance;
  }

  /** Raises the compaction floor to `revision`: every watcher behind it gets a new snapshot. */
  raiseCompactionFloor(revision = this.#revision + 1n): void {
    this.advance(revision);
    if (revision > this.#historyStart) this.#historyStart = revision;
    for (const view of this.#views.values()) {
      for (const watcher of view.watchers) watcher.wake();
    }
  }

  /**
   * Replaces all content with `instances`, which are ordered by revision, as of `revision`. No watch can resume from
   * before.
   */
  reset(instances: readonly Instance[], revision: bigint): void {
    this.#instances.clear();
    this.#services = 0;
    this.#removals.clear();
    for (const [key, view] of this.#views) {
      view.clear();
      this.#dropIfUnused(key);
    }
    this.#revision = 0n;
    for (const instance of instances) this.place(instance);
    this.raiseCompactionFloor(revision);
  }

  /** The services that have instances, in no particular order. */
  *services(): Iterable<ServiceSummary> {
    for (const [service, { live, serving }] of this.#views) {
      if (service !== undefined && live > 0) yield { service, instances: live, serving };
    }
  }

  /** The view of a service, if there is one. */
  view(key: ViewKey): View | undefined {
    return this.#views.get(key);
  }

  /** Wakes `watcher` on each change of a view until {@link Catalog.unwatch}. */
  watch(key: ViewKey, watcher: Watcher): View {
    const view = this.#viewFor(key);
    view.watchers.add(watcher);
    return view;
  }

  unwatch(key: ViewKey, watcher: Watcher): void {
    const view = this.#views.get(key);
    view?.watchers.delete(watcher);
    this.#dropIfUnused(key);
  }

  #date(service: string, timeMs: number): void {
    const view = this.#viewFor(service);
    view.firstTimeMs = Math.min(view.firstTimeMs ?? timeMs, timeMs);
    this.#latestTimeMs = Math.max(this.#latestTimeMs, timeMs);
  }

  #nextRevision(): bigint {
    this.#revision += 1n;
    return this.#revision;
  }

  #change(key: ViewKey, change: Change): void {
    const view = this.#viewFor(key);
    const before = view.live;
    view.put(change);
    if (key === undefined) return;
    if (before === 0 && view.live > 0) this.#services += 1;
    if (before > 0 && view.live === 0) this.#services -= 1;
  }

  #remove(key: ViewKey, instanceId: string, reason: RemovalReason): void {
    const removal: Change = { instanceId, revision: this.#revision, state: { removal: { instanceId, reason } } };
    this.#change(key, removal);
    const oldest = this.#removals.push({ key, removal });
    if (oldest !== undefined) this.#forget(oldest);
  }

  #forget({ key, removal }: KeptRemoval): void {
    if (this.#views.get(key)?.forget(removal) !== true) return; // the instance is back, so its new state supersedes the removal
    if (removal.revision > this.#historyStart) this.#historyStart = removal.revision;
    this.#dropIfUnused(key);
  }

  #live(service: string): number {
    return this.#views.get(service)?.live ?? 0;
  }

  #viewFor(key: ViewKey): View {
    const present = this.#views.get(key);
    if (present !== undefined) return present;
    const view = new View();
    this.#views.set(key, view);
    return view;
  }

  #dropIfUnused(key: ViewKey): void {
    if (this.#views.get(key)?.unused === true) this.#views.delete(key);
  }
}

function upsert(instance: Instance): Change {
  return { instanceId: instance.instanceId, revision: instance.revision, state: { instance } };
}

function viewKeys({ services }: Registration): readonly ViewKey[] {
  return [undefined, ...services];
}

/** The last `capacity` items in a ring buffer: adding one never moves the others. */
class RingBuffer<T> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  #oldest = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Removes all items. */
  clear(): void {
    this.#items.length = 0;
    this.#oldest = 0;
  }

  /** Adds an item. Returns the oldest item if the new one replaced it. */
  push(item: T): T | undefined {
    if (this.#items.length < this.#capacity) {
      this.#items.push(item);
      return undefined;
    }
    const replaced = this.#items[this.#oldest];
    this.#items[this.#oldest] = item;
    this.#oldest = (this.#oldest + 1) % this.#capacity;
    return replaced;
  }
}
