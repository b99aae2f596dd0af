import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@rondo/rpc/call';
import type { Instance, OperatorMark, RefusedRegistration } from '../../domain/instance.js';
import type { Catalog } from '../catalog/catalog.js';
import type { KeyEvent } from './etcd-client.js';
import type { Folder, KeyName, Keys } from './keys.js';
import {
  decodeGoodbye,
  decodeMark,
  decodeRecord,
  decodeRefusal,
  type Goodbye,
  type InstanceRecord,
  toInstance,
} from './record.js';

/** A value with the revision of its last change. */
export interface Versioned<T> {
  readonly value: T;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}

/** All that stands in etcd for one instance id. */
export interface Standing {
  readonly record: Versioned<InstanceRecord> | undefined;
  readonly goodbye: Versioned<Goodbye> | undefined;
  readonly mark: Versioned<OperatorMark> | undefined;
  /** The last registration that was refused, if one was of late. */
  readonly refusal: Versioned<RefusedRegistration> | undefined;
  /** Whether its lease lives. */
  readonly alive: boolean;
}

/** Hears of leases. */
export interface LeaseListener {
  /** The lease of an instance has run out; the instance still stands. */
  onLapse(instanceId: string, record: InstanceRecord): void;
  /** An instance has a lease that lives. */
  onSettled(instanceId: string): void;
  /** An instance has gone. */
  onGone(instanceId: string): void;
}

/** What a replica is made from. */
export interface ReplicaOptions {
  readonly keys: Keys;
  readonly catalog: Catalog;
  readonly leases: LeaseListener;
  readonly log: Logger;
}

/** What bears on the instance that watchers see, or on its lease. */
const SEEN: readonly Folder[] = ['instances', 'leases', 'operators'];

/** What this process knows of etcd's keys: it takes their changes, in order, into the catalog that it serves from. */
export class Replica {
  readonly #options: ReplicaOptions;
  readonly #records = new Map<string, Versioned<InstanceRecord>>();
  readonly #goodbyes = new Map<string, Versioned<Goodbye>>();
  readonly #marks = new Map<string, Versioned<OperatorMark>>();
  readonly #refusals = new Map<string, Versioned<RefusedRegistration>>();
  readonly #alive = new Set<string>();
  #seen = 0n;

  constructor(options: ReplicaOptions) {
    this.#options = options;
  }

  /** Everything up to this revision of etcd has been taken in. */
  get seen(): bigint {
    return this.#seen;
  }

  get marks(): readonly OperatorMark[] {
    return [...this.#marks.values()].map(({ value }) => value);
  }

  /** The ids of those that said goodbye and are remembered, the latest last. */
  get goodbyes(): readonly string[] {
    return [...this.#goodbyes.keys()];
  }

  /** Whether no registration was refused of late. */
  get hasNoRefusals(): boolean {
    return this.#refusals.size === 0;
  }

  /** All that stands for an instance id. */
  standing(instanceId: string): Standing {
    return {
      record: this.#records.get(instanceId),
      goodbye: this.#goodbyes.get(instanceId),
      mark: this.#marks.get(instanceId),
      refusal: this.#refusals.get(instanceId),
      alive: this.#alive.has(instanceId),
    };
  }

  /**
   * Takes in the changes that came together: those of one revision are told as one, and the registry's revision follows
   * where they changed what watchers see.
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

  /** Takes everything anew, as it stands at `revision` of etcd: what is missing has gone. */
  load(pairs: readonly KeyEvent[], revision: bigint): void {
    const { keys, catalog, leases } = this.#options;
    const before = [...this.#records.keys()];
    for (const map of [this.#records, this.#goodbyes, this.#marks, this.#refusals, this.#alive]) map.clear();
    for (const pair of pairs) this.#take(pair);
    this.#seen = revision;
    const head = pairs.find(({ key }) => key.equals(keys.head))?.revision ?? 0n;
    if (head !== catalog.position.revision) catalog.reset(this.#instances(), head);
    for (const instanceId of before) if (!this.#records.has(instanceId)) leases.onGone(instanceId);
    for (const [instanceId, { value }] of this.#records) this.#tellOfLease(instanceId, value);
  }

  /** Every instance at the revision of its last change, in the order of these. */
  #instances(): readonly Instance[] {
    const instances = [...this.#records].map(([instanceId, record]) => {
      const mark = this.#marks.get(instanceId);
      const changed = lastChangeOf(record);
      // A mark's reason may change and nobody sees it; its state is the same for as long as it is there.
      const revision = mark !== undefined && mark.createRevision > changed ? mark.createRevision : changed;
      return toInstance(record.value, mark?.value.state ?? 'none', revision);
    });
    return instances.sort((one, other) => (one.revision < other.revision ? -1 : 1));
  }

  #applyRevision(events: readonly KeyEvent[], revision: bigint): void {
    const touched = new Set<string>();
    for (const event of events) {
      const name = this.#take(event);
      if (name === 'head') this.#options.catalog.advance(revision);
      else if (typeof name === 'object' && SEEN.includes(name.folder)) touched.add(name.instanceId);
    }
    this.#seen = revision;
    for (const instanceId of touched) this.#settle(instanceId, revision);
  }

  /** Brings the catalog to what stands for an instance id since `revision`. */
  #settle(instanceId: string, revision: bigint): void {
    const { catalog, leases } = this.#options;
    const record = this.#records.get(instanceId)?.value;
    if (record === undefined) {
      const saidGoodbye = this.#goodbyes.get(instanceId)?.modRevision === revision;
      const removed = catalog.remove(instanceId, saidGoodbye ? 'deregistered' : 'expired', revision);
      if (removed !== undefined) this.#tellOfRemoval(removed, saidGoodbye);
      leases.onGone(instanceId);
      return;
    }
    const present = catalog.get(instanceId);
    const state = this.#marks.get(instanceId)?.value.state ?? 'none';
    const after = toInstance(record, state, present?.revision ?? 0n);
    if (!isDeepStrictEqual(after, present)) catalog.place({ ...after, revision });
    this.#tellOfLease(instanceId, record);
  }

  #tellOfRemoval({ instanceId }: Instance, saidGoodbye: boolean): void {
    const { log } = this.#options;
    if (saidGoodbye) log.info({ instanceId }, 'instance deregistered');
    else log.warn({ instanceId }, 'instance expired: its lease was not renewed in time');
  }

  #tellOfLease(instanceId: string, record: InstanceRecord): void {
    const { leases } = this.#options;
    if (this.#alive.has(instanceId)) leases.onSettled(instanceId);
    else leases.onLapse(instanceId, record);
  }

  /** Notes a change of a key; says which key it is. A value that can't be read counts as none. */
  #take(event: KeyEvent): KeyName {
    const { key, value } = event;
    const { keys, log } = this.#options;
    const name = keys.parse(key);
    if (typeof name !== 'object') return name;
    const { folder, instanceId } = name;
    try {
      if (folder === 'leases') this.#takeLease(instanceId, value !== undefined);
      else if (folder === 'instances') note(this.#records, instanceId, versioned(event, decodeRecord));
      else if (folder === 'goodbyes') note(this.#goodbyes, instanceId, versioned(event, decodeGoodbye));
      else if (folder === 'refusals') note(this.#refusals, instanceId, versioned(event, decodeRefusal));
      else note(this.#marks, instanceId, versioned(event, decodeMark));
    } catch (error) {
      log.error(
        { err: error, key: key.toString() },
        'a value in etcd is none that a registry wrote: it is passed over',
      );
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

/** What was noted last stands last. */
function note<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  map.delete(key);
  if (value !== undefined) map.set(key, value);
}
