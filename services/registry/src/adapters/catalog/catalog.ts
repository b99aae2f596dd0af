import type { Instance, Registration } from '../../domain/instance.js';
import type { Position } from '../../domain/position.js';
import type { ServiceSummary } from '../../domain/store.js';
import type { RemovalReason } from '../../domain/watch-event.js';
import { History } from './history.js';
import { type Change, View, type Watcher } from './view.js';

/** What a catalog is made from. */
export interface CatalogOptions {
  readonly epoch: bigint;
  /** How many removals it remembers, each counted once for every service of its instance; 50,000 by default. */
  readonly removalsKept?: number | undefined;
}

const DEFAULT_REMOVALS_KEPT = 50_000;

/** A view's key: a service, or undefined for all instances. */
export type ViewKey = string | undefined;

interface Forgettable {
  readonly key: ViewKey;
  readonly removal: Change;
}

/**
 * The instances there are, in one order of changes: a view for each service and one of all. A change costs the views
 * of its instance and their watchers, whatever else the catalog holds.
 */
export class Catalog {
  readonly #epoch: bigint;
  readonly #instances = new Map<string, Instance>();
  readonly #views = new Map<ViewKey, View>();
  readonly #removals: History<Forgettable>;
  #revision = 0n;
  #historyStart = 0n;
  #services = 0;

  constructor({ epoch, removalsKept = DEFAULT_REMOVALS_KEPT }: CatalogOptions) {
    this.#epoch = epoch;
    this.#removals = new History(removalsKept);
  }

  get position(): Position {
    return { epoch: this.#epoch, revision: this.#revision };
  }

  /** Whoever knows less than this revision may have missed what is forgotten by now. */
  get historyStart(): bigint {
    return this.#historyStart;
  }

  /** How many instances there are. */
  get size(): number {
    return this.#instances.size;
  }

  get(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  /** How many services would have instances with these among them. */
  servicesWith(services: readonly string[]): number {
    return services.filter((service) => this.#live(service) === 0).length + this.#services;
  }

  /** Puts an instance in place of the one with its id; services that it no longer has see it `replaced`. */
  put(registration: Registration & Pick<Instance, 'operatorState'>, registerTimeMs: number): Instance {
    const instance: Instance = { ...registration, registerTimeMs, revision: this.#nextRevision() };
    this.#place(instance);
    return instance;
  }

  /** As {@link Catalog.put}, for a store that counts revisions itself: the instance's is greater than all before. */
  place(instance: Instance): void {
    this.advance(instance.revision);
    this.#place(instance);
  }

  /** Nothing more happens up to `revision`, for a store that counts revisions itself. */
  advance(revision: bigint): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  #place(instance: Instance): void {
    const before = this.#instances.get(instance.instanceId);
    this.#instances.set(instance.instanceId, instance);
    for (const key of viewKeys(instance)) this.#change(key, upsert(instance));
    const dropped = before?.services.filter((service) => !instance.services.includes(service)) ?? [];
    for (const service of dropped) this.#remove(service, instance.instanceId, 'replaced');
  }

  /** Removes an instance, if it is there. `revision` is for a store that counts revisions itself. */
  remove(instanceId: string, reason: RemovalReason, revision = this.#revision + 1n): Instance | undefined {
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) return undefined;
    this.#instances.delete(instanceId);
    this.advance(revision);
    for (const key of viewKeys(instance)) this.#remove(key, instanceId, reason);
    return instance;
  }

  /** Ends the history so far: everybody who follows it from before `revision` needs a snapshot. */
  restartHistory(revision = this.#revision + 1n): void {
    this.advance(revision);
    if (revision > this.#historyStart) this.#historyStart = revision;
    for (const view of this.#views.values()) {
      for (const watcher of view.watchers) watcher.wake();
    }
  }

  /** Begins anew with `instances`, in the order of their revisions, as they stand at `revision`: nobody can resume from before. */
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
    this.restartHistory(revision);
  }

  /** The services that have instances, in no order. */
  *services(): Iterable<ServiceSummary> {
    for (const [service, { live, serving }] of this.#views) {
      if (service !== undefined && live > 0) yield { service, instances: live, serving };
    }
  }

  /** The view of a service, if anything is known of it. */
  view(key: ViewKey): View | undefined {
    return this.#views.get(key);
  }

  /** Wakes `watcher` on each change of a view, until {@link Catalog.unwatch}. */
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

  #forget({ key, removal }: Forgettable): void {
    if (this.#views.get(key)?.forget(removal) !== true) return; // the instance is back: its return says enough
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
