import { type Instance, textSize } from '../../domain/instance.js';
import type { Removal } from '../../domain/store.js';

/** The last change of an instance, as one view sees it. */
export interface Change {
  readonly instanceId: string;
  readonly revision: bigint;
  readonly state: { readonly instance: Instance } | { readonly removal: Removal };
}

/** Changes in the order of their revisions. */
export interface Slice {
  readonly upserts: readonly Instance[];
  readonly removals: readonly Removal[];
  /** The revision of the last change; 0 if there is none. */
  readonly last: bigint;
  /** Whether more changes follow that didn't fit into the same message. */
  readonly more: boolean;
}

/** A page of instances. */
interface Page {
  readonly instances: readonly Instance[];
  readonly more: boolean;
}

/** Is woken when a view changes. */
export interface Watcher {
  wake(): void;
}

interface Node extends Change {
  previous: Node | undefined;
  next: Node | undefined;
}

/**
 * The maximum size of a page by {@link sizeOf}. In UTF-8, with three bytes a character at worst, it stays below gRPC's
 * default limit of 4 MiB.
 */
const PAGE_SIZE = 1_048_576;
/**
 * The maximum size of one message of a watch. A message is written for each watcher that doesn't read and can't be
 * taken back.
 */
const SLICE_SIZE = 65_536;
/** How many slices are kept for later watchers: enough for all parts of a large registry's snapshot. */
const MAX_SLICES = 512;
const REMOVAL_SIZE = 64;

/**
 * The instances of one service, or all, with the removals that are remembered. It keeps one change for each instance,
 * its latest, in a list that is linked in the order of revisions.
 *
 * This one list serves as snapshot, as history and for coalescing. A watcher that knows everything up to a revision
 * lacks exactly the changes behind it, with each instance once, however many changes it had. A watcher needs no queue
 * of its own.
 */
export class View {
  readonly watchers = new Set<Watcher>();
  /** When the first instance registered, in milliseconds since the Unix epoch. It stays when the last instance leaves. */
  firstTimeMs: number | undefined;
  readonly #nodes = new Map<string, Node>();
  readonly #ids = new SortedIds();
  #oldest: Node | undefined;
  #newest: Node | undefined;
  #serving = 0;
  /**
   * The changes after a revision, by revision, until a change is added. A removal may stay in it after the view has
   * forgotten it, because it is still correct.
   */
  readonly #slices = new Map<bigint, Slice>();

  /** The number of instances. */
  get live(): number {
    return this.#ids.size;
  }

  /** The number of instances that take calls. */
  get serving(): number {
    return this.#serving;
  }

  /** Whether it has no instances, no removals and no watchers. */
  get unused(): boolean {
    return this.#nodes.size === 0 && this.watchers.size === 0;
  }

  /** Replaces the last change of an instance with `change`, which is newer than all before. */
  put(change: Change): void {
    const present = this.#nodes.get(change.instanceId);
    if (present !== undefined) this.#unlink(present);
    this.#append({ ...change, previous: this.#newest, next: undefined });
    for (const watcher of this.watchers) watcher.wake();
  }

  /** Removes everything but the watchers. */
  clear(): void {
    while (this.#oldest !== undefined) this.#unlink(this.#oldest);
    this.#slices.clear();
  }

  /** Forgets a removal. Returns whether it was still the instance's last change, so that history is lost. */
  forget({ instanceId, revision }: Change): boolean {
    const node = this.#nodes.get(instanceId);
    if (node === undefined || node.revision !== revision) return false;
    this.#unlink(node);
    return true;
  }

  /** The changes after `revision`, as many as fit into a message. After revision 0 the upserts are all instances. */
  changesAfter(revision: bigint): Slice {
    const upserts: Instance[] = [];
    const removals: Removal[] = [];
    let last = 0n;
    let sizeLeft = SLICE_SIZE;
    for (let node = this.#firstAfter(revision); node !== undefined; node = node.next) {
      const { state } = node;
      sizeLeft -= 'instance' in state ? sizeOf(state.instance) : REMOVAL_SIZE;
      if (last > 0n && sizeLeft < 0) return { upserts, removals, last, more: true };
      if ('instance' in state) upserts.push(state.instance);
      else removals.push(state.removal);
      last = node.revision;
    }
    return { upserts, removals, last, more: false };
  }

  /**
   * Like {@link View.changesAfter}, but all watchers that need the same changes get the same object, so that they can
   * share one message.
   */
  sharedChangesAfter(revision: bigint): Slice {
    const present = this.#slices.get(revision);
    if (present !== undefined) return present;
    // Several revisions may need the same changes, because other views have revisions, too: the last of them stands for
    // all.
    const first = this.#firstAfter(revision);
    const latest = first === undefined ? revision : first.revision - 1n;
    const slice = this.#slices.get(latest) ?? this.changesAfter(latest);
    this.#remember(latest, slice);
    this.#remember(revision, slice);
    return slice;
  }

  #remember(revision: bigint, slice: Slice): void {
    const [oldest] = this.#slices.size < MAX_SLICES ? [] : this.#slices.keys();
    if (oldest !== undefined) this.#slices.delete(oldest);
    this.#slices.set(revision, slice);
  }

  /** The instances with ids greater than `afterId`, in the order of their ids. */
  page(afterId: string, pageSize: number): Page {
    const instances: Instance[] = [];
    let sizeLeft = PAGE_SIZE;
    for (const id of this.#ids.after(afterId)) {
      const instance = this.#instance(id);
      if (instance === undefined) continue;
      sizeLeft -= sizeOf(instance);
      if (instances.length > 0 && (instances.length === pageSize || sizeLeft < 0)) return { instances, more: true };
      instances.push(instance);
    }
    return { instances, more: false };
  }

  #instance(id: string): Instance | undefined {
    const state = this.#nodes.get(id)?.state;
    return state !== undefined && 'instance' in state ? state.instance : undefined;
  }

  /** Searches from the newest end: a watcher that keeps up lacks few changes. */
  #firstAfter(revision: bigint): Node | undefined {
    if (this.#oldest === undefined || this.#oldest.revision > revision) return this.#oldest;
    let first: Node | undefined;
    for (let node = this.#newest; node !== undefined && node.revision > revision; node = node.previous) first = node;
    return first;
  }

  #append(node: Node): void {
    this.#slices.clear();
    if (this.#newest === undefined) this.#oldest = node;
    else this.#newest.next = node;
    this.#newest = node;
    this.#nodes.set(node.instanceId, node);
    if ('removal' in node.state) return;
    this.#ids.add(node.instanceId);
    if (takesCalls(node.state.instance)) this.#serving += 1;
  }

  #unlink(node: Node): void {
    if (node.previous === undefined) this.#oldest = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#newest = node.previous;
    else node.next.previous = node.previous;
    this.#nodes.delete(node.instanceId);
    if ('removal' in node.state) return;
    this.#ids.delete(node.instanceId);
    if (takesCalls(node.state.instance)) this.#serving -= 1;
  }
}

/** The size of an instance's text plus the largest possible rest of its message: tags, lengths, numbers. */
function sizeOf(instance: Instance): number {
  const fixed = 320 + 128 * instance.endpoints.length + 40 * instance.services.length;
  return textSize(instance) + fixed + Object.keys(instance.serviceTimesMs).join().length;
}

function takesCalls({ status, operatorState }: Instance): boolean {
  return status === 'serving' && operatorState !== 'cordoned';
}

/** A set of ids that is sorted when a page is read, not on each change. */
class SortedIds {
  readonly #ids = new Set<string>();
  #sorted: readonly string[] | undefined;

  get size(): number {
    return this.#ids.size;
  }

  add(id: string): void {
    this.#ids.add(id);
    this.#sorted = undefined;
  }

  delete(id: string): void {
    this.#ids.delete(id);
    this.#sorted = undefined;
  }

  /** The ids greater than `id`, in order. */
  *after(id: string): Iterable<string> {
    this.#sorted ??= [...this.#ids].sort((one, other) => (one < other ? -1 : 1));
    for (let index = firstGreater(this.#sorted, id); index < this.#sorted.length; index += 1) {
      const next = this.#sorted[index];
      if (next !== undefined) yield next;
    }
  }
}

function firstGreater(sorted: readonly string[], id: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = sorted[middle];
    if (candidate !== undefined && candidate > id) high = middle;
    else low = middle + 1;
  }
  return low;
}
