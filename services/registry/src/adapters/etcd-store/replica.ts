import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@rondo/rpc/call';
import type { Instance, OperatorStateEntry, RefusedRegistration } from '../../domain/instance.js';
import type { Catalog } from '../catalog/catalog.js';
import type { KeyEvent } from './etcd-client.js';
import type { Folder, KeyName, Keys } from './keys.js';
import {
  decodeOperatorState,
  decodeRecord,
  decodeRefusal,
  decodeTombstone,
  type InstanceRecord,
  type Tombstone,
  toInstance,
} from './record.js';
import type { StoredState, Versioned } from './stored-state.js';

/** Receives changes of leases. */
export interface LeaseListener {
  /** The lease of an instance has run out; its record still exists. */
  onLapse(instanceId: string, record: InstanceRecord): void;
  /** An instance has a live lease. */
  onAlive(instanceId: string): void;
  /** An instance is gone. */
  onGone(instanceId: string): void;
}

export interface ReplicaOptions {
  readonly keys: Keys;
  readonly catalog: Catalog;
  readonly leases: LeaseListener;
  readonly log: Logger;
}

/** The folders that affect the instance that watchers see, or its lease. */
const VISIBLE: readonly Folder[] = ['instances', 'leases', 'operators'];

/**
 * This process's copy of etcd's keys. It applies their changes, in order, to the catalog that the registry serves from.
 */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #records = new Map<string, Versioned<InstanceRecord>>();
  readonly #tombstones = new Map<string, Versioned<Tombstone>>();
  readonly #operatorStates = new Map<string, Versioned<OperatorStateEntry>>();
  readonly #refusals = new Map<string, Versioned<RefusedRegistration>>();
  readonly #alive = new Set<string>();
  #appliedRevision = 0n;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** Everything up to this revision of etcd has been applied. */
  get appliedRevision(): bigint {
    return this.#appliedRevision;
  }

  get operatorStates(): readonly OperatorStateEntry[] {
    return [...this.#operatorStates.values()].map(({ value }) => value);
  }

  /** The instance ids that have a tombstone, the latest last. */
  get tombstones(): readonly string[] {
    return [...this.#tombstones.keys()];
  }

  /** Whether no registration was refused recently. */
  get hasNoRefusals(): boolean {
    return this.#refusals.size === 0;
  }

  /** All that etcd holds for an instance id. */
  stateOf(instanceId: string): StoredState {
    return {
      record: this.#records.get(instanceId),
      tombstone: this.#tombstones.get(instanceId),
      operatorState: this.#operatorStates.get(instanceId),
      refusal: this.#refusals.get(instanceId),
      alive: this.#alive.has(instanceId),
    };
  }

  /**
   * Applies changes that arrived together. Changes of one revision become one change of the catalog. The registry's
   * revision advances if watchers see any of them.
   */
  apply(events: readonly KeyEvent[]): void {
    for (let start = 0; start < events.length; ) {
      const revision = events[start]?.revision ?? 0n;
      let end = start;
      while (events[end]?.revision === revision) end += 1;
      this.#applyRevision(events.slice(start, end), revision);
      start = end;
    }
  }

  /** Replaces everything with the keys at `revision` of etcd. An instance without a key is gone. */
  load(pairs: readonly KeyEvent[], revision: bigint): void {
    const { keys, catalog, leases } = this.#options;
    const before = [...this.#records.keys()];
    for (const map of [this.#records, this.#tombstones, this.#operatorStates, this.#refusals, this.#alive]) map.clear();
    for (const pair of pairs) this.#take(pair);
    this.#appliedRevision = revision;
    const head = pairs.find(({ key }) => key.equals(keys.head))?.revision ?? 0n;
    if (head !== catalog.position.revision) catalog.reset(this.#instances(), head);
    for (const instanceId of before) if (!this.#records.has(instanceId)) leases.onGone(instanceId);
    for (const [instanceId, { value }] of this.#records) this.#notifyLease(instanceId, value);
  }

  /** Every instance with the revision of its last change, in the order of these revisions. */
  #instances(): readonly Instance[] {
    const instances = [...this.#records].map(([instanceId, record]) => {
      const operatorState = this.#operatorStates.get(instanceId);
      const changed = lastChangeOf(record);
      // The reason of an operator state may change without an event for watchers. Its state is the same as long as the
      // key exists.
      const revision =
        operatorState !== undefined && operatorState.createRevision > changed ? operatorState.createRevision : changed;
      return toInstance(record.value, operatorState?.value.state ?? 'none', revision);
    });
    return instances.sort((one, other) => (one.revision < other.revision ? -1 : 1));
  }

  #applyRevision(events: readonly KeyEvent[], revision: bigint): void {
    const touched = new Set<string>();
    for (const event of events) {
      const name = this.#take(event);
      if (name === 'head') this.#options.catalog.advance(revision);
      else if (typeof name === 'object' && VISIBLE.includes(name.folder)) touched.add(name.instanceId);
    }
    this.#appliedRevision = revision;
    for (const instanceId of touched) this.#settle(instanceId, revision);
  }

  /** Updates the catalog to the state of an instance id as of `revision`. */
  #settle(instanceId: string, revision: bigint): void {
    const { catalog, leases } = this.#options;
    const record = this.#records.get(instanceId)?.value;
    if (record === undefined) {
      const isDeregistered = this.#tombstones.get(instanceId)?.modRevision === revision;
      const removed = catalog.remove(instanceId, isDeregistered ? 'deregistered' : 'expired', revision);
      if (removed !== undefined) this.#logRemoval(removed, isDeregistered);
      leases.onGone(instanceId);
      return;
    }
    const present = catalog.get(instanceId);
    const state = this.#operatorStates.get(instanceId)?.value.state ?? 'none';
    const after = toInstance(record, state, present?.revision ?? 0n);
    if (!isDeepStrictEqual(after, present)) catalog.place({ ...after, revision });
    this.#notifyLease(instanceId, record);
  }

  #logRemoval({ instanceId }: Instance, isDeregistered: boolean): void {
    const { log } = this.#options;
    if (isDeregistered) log.info({ instanceId }, 'instance deregistered');
    else log.warn({ instanceId }, 'instance expired: its lease was not renewed in time');
  }

  #notifyLease(instanceId: string, record: InstanceRecord): void {
    const { leases } = this.#options;
    if (this.#alive.has(instanceId)) leases.onAlive(instanceId);
    else leases.onLapse(instanceId, record);
  }

  /** Notes a change of a key. Returns which key it is. A value that can't be read counts as missing. */
  #take(event: KeyEvent): KeyName {
    const { key, value } = event;
    const { keys, log } = this.#options;
    const name = keys.parse(key);
    if (typeof name !== 'object') return name;
    const { folder, instanceId } = name;
    try {
      if (folder === 'leases') this.#takeLease(instanceId, value !== undefined);
      else if (folder === 'instances') note(this.#records, instanceId, versioned(event, decodeRecord));
      else if (folder === 'goodbyes') note(this.#tombstones, instanceId, versioned(event, decodeTombstone));
      else if (folder === 'refusals') note(this.#refusals, instanceId, versioned(event, decodeRefusal));
      else note(this.#operatorStates, instanceId, versioned(event, decodeOperatorState));
    } catch (error) {
      log.error({ err: error, key: key.toString() }, 'a value in etcd is not one that a registry wrote: it is ignored');
    }
    return name;
  }

  #takeLease(instanceId: string, alive: boolean): void {
    if (alive) this.#alive.add(instanceId);
    else this.#alive.delete(instanceId);
  }
}

/** The revision of the last change of a record that watchers saw. */
export function lastChangeOf({ value, modRevision }: Versioned<InstanceRecord>): bigint {
  return value.unchangedSince ?? modRevision;
}

function versioned<T>(event: KeyEvent, decode: (bytes: Buffer) => T): Versioned<T> | undefined {
  const { value, createRevision, revision: modRevision } = event;
  return value === undefined ? undefined : { value: decode(value), createRevision, modRevision };
}

/** Puts the latest entry last. */
function note<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  map.delete(key);
  if (value !== undefined) map.set(key, value);
}
