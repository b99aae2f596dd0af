import type { OperatorStateEntry, RefusedRegistration } from '../../domain/instance.js';
import { type Committed, type Condition, type Etcd, get, type KeyValue, type Operation } from './etcd-client.js';
import { FOLDERS, type Keys } from './keys.js';
import {
  decodeOperatorState,
  decodeRecord,
  decodeRefusal,
  decodeTombstone,
  type InstanceRecord,
  type Tombstone,
} from './record.js';

/** A value with the revision of its last change. */
export interface Versioned<T> {
  readonly value: T;
  readonly createRevision: bigint;
  readonly modRevision: bigint;
}

/** All that etcd holds for one instance id. */
export interface StoredState {
  readonly record: Versioned<InstanceRecord> | undefined;
  readonly tombstone: Versioned<Tombstone> | undefined;
  readonly operatorState: Versioned<OperatorStateEntry> | undefined;
  /** The last refused registration, if it is recent. */
  readonly refusal: Versioned<RefusedRegistration> | undefined;
  /** Whether its lease is live. */
  readonly alive: boolean;
}

/**
 * The result of a transaction on one instance id: its revision if it wrote anything, or the state that it found
 * instead.
 */
export type CommitResult = { readonly revision: bigint | undefined } | { readonly stored: StoredState };

/** Reads and changes the state of one instance id at a time, by compare-and-swap. */
export interface StateTransactions {
  /** Reads the current state from etcd. */
  read(instanceId: string): Promise<StoredState>;
  /** Takes `steps` if `conditions` hold. */
  commit(instanceId: string, conditions: readonly Condition[], steps: readonly Operation[]): Promise<CommitResult>;
}

/** Creates the transactions over an etcd. */
export function openStateTransactions(etcd: Etcd, keys: Keys): StateTransactions {
  const reads = (instanceId: string) => FOLDERS.map((folder) => get(keys.of(folder, instanceId)));
  return {
    async read(instanceId) {
      return toStoredState(await etcd.commit([], reads(instanceId)));
    },
    async commit(instanceId, conditions, steps) {
      const committed = await etcd.commit(conditions, steps, reads(instanceId));
      return committed.succeeded ? { revision: committed.revision } : { stored: toStoredState(committed) };
    },
  };
}

function toStoredState({ reads: [record, lease, tombstone, operatorState, refusal] }: Committed): StoredState {
  return {
    record: versioned(record, decodeRecord),
    tombstone: versioned(tombstone, decodeTombstone),
    operatorState: versioned(operatorState, decodeOperatorState),
    refusal: versioned(refusal, decodeRefusal),
    alive: lease !== undefined,
  };
}

function versioned<T>(pair: KeyValue | undefined, decode: (bytes: Buffer) => T): Versioned<T> | undefined {
  if (pair === undefined) return undefined;
  const { value, createRevision, modRevision } = pair;
  return { value: decode(value), createRevision, modRevision };
}
