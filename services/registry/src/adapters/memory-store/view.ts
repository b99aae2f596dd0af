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

/** What one message holds, in characters of text: in UTF-8 and with its framing, well under gRPC's usual 4 MiB. */
const SLICE_TEXT_SIZE = 1_048_576;
const REMOVAL_TEXT_SIZE = 64;

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
    let textLeft = SLICE_TEXT_SIZE;
    for (let node = this.#firstAfter(revision); node !== undefined; node = node.next) {
      const { state } = node;
      textLeft -= 'instance' in state ? textSize(state.instance) : REMOVAL_TEXT_SIZE;
      if (last > 0n && textLeft < 0) return { upserts, removals, last, more: true };
      if ('instance' in state) upserts.push(state.instance);
      else removals.push(state.removal);
      last = node.revision;
    }
    return { upserts, removals, last, more: false };
  }

  /** The instances with ids greater than `afterId`, in the order of their ids. */
  page(afterId: string, pageSize: number): Page {
    const instances: Instance[] = [];
    let textLeft = SLICE_TEXT_SIZE;
    for (const id of this.#ids.after(afterId)) {
      const instance = this.#instance(id);
      if (instance === undefined) continue;
      textLeft -= textSize(instance);
      if (instances.length > 0 && (instances.length === pageSize || textLeft < 0)) return { instances, more: true };
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
    if (this.#newest === undefined) this.#oldest = node;
    else this.#newest.next = node;
    this.#newest = node;
    this.#nodes.set(node.instanceId, node);
    if ('removal' in node.state) return;
    this.#ids.add(node.instanceId);
    if (node.state.instance.status === 'serving') this.#serving += 1;
  }

  #unlink(node: Node): void {
    if (node.previous === undefined) this.#oldest = node.next;
    else node.previous.next = node.next;
    if (node.next === undefined) this.#newest = node.previous;
    else node.next.previous = node.previous;
    this.#nodes.delete(node.instanceId);
    if ('removal' in node.state) return;
    this.#ids.delete(node.instanceId);
    if (node.state.instance.status === 'serving') this.#serving -= 1;
  }
}
