import type { RegisterOptions } from './admission.js';
import type { Instance, InstanceChange, OperatorState, OperatorStateEntry, Registration } from './instance.js';
import type { Lease } from './lease.js';

/**
 * Keeps the registry's state: instances under leases, with all changes in one order of revisions.
 *
 * Callers pass valid arguments. Each position is the store's position at the time of the answer. Methods reject with
 * `LeaseNotFound`, `InstanceTakenOver`, `SecretMismatch`, `IdentityMismatch`, `IncarnationAhead`, `LimitReached`,
 * `StoreClosed` or `StoreUnreachable`.
 *
 * If the expiry guard holds leases back because many ran out at once, their instances stay as if they had not run out.
 * Only `listInstances` shows when each ran out. Only `listInstances` shows refused registrations, too: the last one of
 * each id that another process holds, for two of its TTLs.
 */
export interface RegistryStore {
  /** How much it holds right now, for metrics. */
  readonly counts: StoreCounts;
  /**
   * Registers an instance under a lease of `ttlMs` milliseconds.
   *
   * - The incarnation that is already registered keeps its lease, which is renewed with the new TTL, if it shows its
   *   secret. It is refused with `SecretMismatch` otherwise.
   * - A later incarnation gets a lease of its own, and the lease of the earlier one ends.
   * - A process whose identity differs from the holder's is refused with `IdentityMismatch`, whatever its incarnation. A
   *   holder without an identity takes that of the process that registers it next.
   * - An earlier incarnation is refused with `InstanceTakenOver`.
   * - A new incarnation that is too far ahead of the registry's clock is refused with `IncarnationAhead`.
   *
   * A registration that changes nothing makes no revision.
   *
   * @param options `sequence` numbers the calls of `register`, `update` and `deregister` of one incarnation. A
   *   registration that a deregistration has overtaken gets the lease that ended with it.
   */
  register(registration: Registration, ttlMs: number, options?: RegisterOptions): Promise<Registered>;
  /** Renews a lease for another TTL. */
  renew(lease: Lease): Promise<Renewed>;
  /**
   * Changes the description of an instance. A change that changes nothing, or was overtaken, makes no revision. A
   * change that leaves the instance with too much text is refused with `InstanceTooLarge`.
   */
  update(lease: Lease, change: InstanceChange, sequence?: bigint): Promise<Updated>;
  /**
   * Removes an instance. A lease that has ended, or was taken over, is no error and changes nothing.
   *
   * @param sequence as for `register`. A registration with a lower number that arrives within a TTL was overtaken on
   *   its way.
   */
  deregister(lease: Lease, sequence?: bigint): Promise<Position>;
  /**
   * Sets the operator state of an instance. It stays until it is set again and outlives every lease. Setting the same
   * state again makes no revision. Rejects with `InstanceNotFound` if neither an instance nor an operator state has
   * this id.
   */
  setOperatorState(instanceId: string, change: OperatorStateChange): Promise<Position>;
  /** All operator states, in the order of instance ids. */
  listOperatorStates(): Promise<OperatorStateList>;
  /** The services that have instances, in the order of their names. */
  listServices(): Promise<ServiceList>;
  /** A page of instances, in the order of their ids. */
  listInstances(query: InstanceQuery): Promise<InstancePage>;
  /**
   * Watches one service or all, from a snapshot or from `resumeFrom` on. The iteration ends without an error when
   * `signal` aborts. Watches that need the same changes get the same event object: do not modify it. A watch holds no
   * resource before the first pull. A watcher that doesn't pull costs the store nothing but its position. Pull one
   * event at a time.
   */
  watch(query: WatchQuery): AsyncIterable<WatchEvent>;
  /** Ends all watches with `StoreClosed` and cancels all timers. The store can't be used afterwards. */
  close(): Promise<void>;
}

/** How much a store holds. */
export interface StoreCounts {
  readonly instances: number;
  /** The watches that are open at this process. */
  readonly watches: number;
  /** The instances whose expiry is held back. */
  readonly heldExpiries: number;
  /** The changes so far in this epoch. */
  readonly revisions: number;
}

/** The operator state to set. */
export interface OperatorStateChange {
  readonly state: OperatorState;
  readonly reason: string;
}

export interface OperatorStateList {
  readonly marks: readonly OperatorStateEntry[];
  readonly position: Position;
}

/** The lease of a registration. */
export interface Registered {
  readonly leaseId: string;
  readonly position: Position;
}

/** A lease that was renewed. */
export interface Renewed {
  readonly ttlMs: number;
  readonly position: Position;
}

/** An instance after a change. */
export interface Updated {
  readonly instance: Instance;
  readonly position: Position;
}

/** A service with the number of its instances. */
export interface ServiceSummary {
  readonly service: string;
  readonly instances: number;
  /** The instances that take calls: they report `serving`, and no operator has cordoned them. */
  readonly serving: number;
}

/** The services that have instances. */
export interface ServiceList {
  readonly services: readonly ServiceSummary[];
  readonly position: Position;
  readonly warming: boolean;
}

/** Which instances to list. */
export interface InstanceQuery {
  /** A fully qualified service; undefined for all. */
  readonly service: string | undefined;
  /** Lists only instances with a greater id; empty for the first page. */
  readonly afterId: string;
  readonly pageSize: number;
}

export interface InstancePage {
  readonly instances: readonly Instance[];
  /** Whether more instances follow. */
  readonly more: boolean;
  readonly position: Position;
  readonly warming: boolean;
}

/** What to watch, and from which position. */
export interface WatchQuery {
  /** A fully qualified service; undefined for all. */
  readonly service: string | undefined;
  /** The position of the last event that was received; undefined for a snapshot. */
  readonly resumeFrom: Position | undefined;
  readonly signal: AbortSignal;
}

/** Why an instance left: it deregistered, its lease ran out, or it registered again without the service. */
export type RemovalReason = 'deregistered' | 'expired' | 'replaced';

/** An instance that left. */
export interface Removal {
  readonly instanceId: string;
  readonly reason: RemovalReason;
}

/** One event of a watch. */
export type WatchEvent = SnapshotPart | Snapshot | Delta | Progress;

interface Known {
  /** The watcher's position after it has applied the event. */
  readonly position: Position;
  /** Whether the store started so recently that instances which it doesn't list may still register again. */
  readonly warming: boolean;
}

/**
 * A part of a snapshot that is continued by the next event. It has no position, because no watch can resume from it.
 */
interface SnapshotPart extends Omit<Known, 'position'> {
  readonly kind: 'snapshot-part';
  readonly instances: readonly Instance[];
}

/** The complete state of the watched instances, or the last part of it. */
interface Snapshot extends Known {
  readonly kind: 'snapshot';
  readonly instances: readonly Instance[];
}

/** The changes since the previous event. An instance that changed more than once appears in its latest state. */
interface Delta extends Known {
  readonly kind: 'delta';
  readonly upserts: readonly Instance[];
  readonly removals: readonly Removal[];
}

/** Nothing changed. The position is the store's current one. */
interface Progress extends Known {
  readonly kind: 'progress';
}

/** A point in the registry's history. Positions are ordered by epoch, then by revision. */
export interface Position {
  /** Identifies one life of the store. A later epoch is greater as long as the clock isn't set back. */
  readonly epoch: bigint;
  /** A number that increases with each change of the registry within an epoch; 0 before the first change. */
  readonly revision: bigint;
}

/**
 * The random low bits of an epoch. They keep two epochs apart that began in one millisecond or under a clock that was
 * set back.
 */
const CHANCE_BITS = 20;

/**
 * Makes an epoch that differs from all others: the start time and random bits. A later epoch is greater as long as the
 * clock isn't set back. Nothing relies on that order: a watcher that finds another epoch takes a snapshot.
 *
 * @param chance uniform in [0, 1).
 */
export function newEpoch(nowMs: number, chance: number): bigint {
  return (BigInt(Math.floor(nowMs)) << BigInt(CHANCE_BITS)) | BigInt(Math.floor(chance * 2 ** CHANCE_BITS));
}
