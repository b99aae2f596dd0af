import { type Instance, textSize } from '../../domain/instance.js';
import type { Removal } from '../../domain/watch-event.js';
import { SortedIds } from './sorted-ids.js';

/** What happened last to an instance, as one view sees it. */
export interface Change {
  readonly instanceId: string;
  readonly revision: bigint;
  readonly state: { readonly instance: Instance } | { readonly removal: Removal };
}

/** Changes in the order of their revisions. */
export interface Slice {
  readonly upserts: readonly Instance[];
  readonly removals: readonly Removal[];
  /** The revision of the last of them; 0 where there is none. */
  readonly last: bigint;
  /** Whether others follow that would have made it too large for one message. */
  readonly more: boolean;
}

/** A page of instances. */
export interface Page {
  readonly instances: readonly Instance[];
  readonly more: boolean;
}

/** Whoever wants to know that a view has changed. */
export interface Watcher {
  wake(): void;
}

interface Node extends Change {
  previous: Node | undefined;
  next: Node | undefined;
}

/** What one page holds, by {@link sizeOf}: in UTF-8, of three bytes a character at worst, under gRPC's usual 4 MiB. */
const PAGE_SIZE = 1_048_576;
/** What one message of a watch holds. Each watcher that doesn't read has one written for it, which nothing takes back. */
const SLICE_SIZE = 65_536;
/** How many slices are kept for those who come next: at the least, the parts of a large registry's snapshot. */
const MAX_SLICES = 512;
const REMOVAL_SIZE = 64;

/**
 * The instances of one service, or all, with the removals that are remembered: one change an instance, its latest,
 * linked in the order of revisions.
 *
 * This one list is snapshot, history and coalescing: whoever knows everything up to a revision lacks exactly the
 * changes behind it, each instance once, however many changes they stand for. A watcher needs no queue of its own.
 */
export class View {
  readonly watchers = new Set<Watcher>();
  readonly #nodes = new Map<string, Node>();
  readonly #ids = new SortedIds();
  #oldest: Node | undefined;
  #newest: Node | undefined;
  #serving = 0;
  /**
   * What is lacking to those who know everything up to a revision, until something is added; a removal forgotten
   * meanwhile is still true.
   */
  readonly #slices = new Map<bigint, Slice>();

  /** How many instances it has. */
  get live(): number {
    return this.#ids.size;
  }

  /** How many of them take calls. */
  get serving(): number {
    return this.#serving;
  }

  /** Whether it has neither instances nor removals, and nobody watches it. */
  get unused(): boolean {
    return this.#nodes.size === 0 && this.watchers.size === 0;
  }

  /** Puts a change, newer than all before, in place of the instance's last one. */
  put(change: Change): void {
    const present = this.#nodes.get(change.instanceId);
    if (present !== undefined) this.#unlink(present);
    this.#append({ ...change, previous: this.#newest, next: undefined });
    for (const watcher of this.watchers) watcher.wake();
  }

  /** Forgets everything but its watchers. */
  clear(): void {
    while (this.#oldest !== undefined) this.#unlink(this.#oldest);
    this.#slices.clear();
  }

  /** Forgets a removal; says whether the instance hadn't come back, so that history is lost. */
  forget({ instanceId, revision }: Change): boolean {
    const node = this.#nodes.get(instanceId);
    if (node === undefined || node.revision !== revision) return false;
    this.#unlink(node);
    return true;
  }

  /** What changed after `revision`, as much as fits a message; after 0, its upserts are all instances there are. */
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

  /** As {@link View.changesAfter}, and the same object to all who lack the same: they can be told by one message. */
  lacking(revision: bigint): Slice {
    const present = this.#slices.get(revision);
    if (present !== undefined) return present;
    // Many revisions may lack the same, as other views have revisions, too: the last of them stands for all.
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

  /** Found from the newest end: whoever keeps up lacks little. */
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

/** The text of an instance and, at its worst, what its message has beside it: tags, lengths, numbers. */
function sizeOf(instance: Instance): number {
  return textSize(instance) + 320 + 128 * instance.endpoints.length + 16 * instance.services.length;
}

function takesCalls({ status, operatorState }: Instance): boolean {
  return status === 'serving' && operatorState !== 'cordoned';
}
