import type { RegisterOptions } from './admission.js';
import type { Instance, InstanceChange, OperatorMark, OperatorState, Registration } from './instance.js';
import type { Lease } from './lease.js';
import type { Position } from './position.js';
import type { WatchEvent } from './watch-event.js';

/**
 * What holds the registry's state: instances under leases, in one order of revisions.
 *
 * Arguments are valid; positions are the store's at the time of the answer. Methods reject with `LeaseNotFound`,
 * `InstanceTakenOver`, `SecretMismatch`, `IncarnationAhead`, `LimitReached`, `StoreClosed` or `StoreUnreachable`.
 *
 * Where so many leases run out at once that the expiry guard holds them, they live on as if they had not: `listInstances`
 * alone tells when each ran out. It alone tells, too, of registrations that were refused because another process holds
 * their id: of each id the last, for two of its TTLs.
 */
export interface RegistryStore {
  /** What it holds right now, to be measured. */
  readonly counts: StoreCounts;
  /**
   * Puts an instance under a lease of `ttlMs`. The incarnation that is registered already keeps its lease, which is
   * renewed with the new TTL, if it shows its secret, and is refused with `SecretMismatch` if not; a later one gets a lease
   * of its own and ends the other; an earlier one is refused with `InstanceTakenOver`, and a new one that is too far ahead
   * of the registry's clock with `IncarnationAhead`. A registration that changes nothing has no revision.
   *
   * @param options `sequence` counts what the incarnation says of itself, here, by `update` and by `deregister`. What a
   *   goodbye has overtaken is given the lease that ended so.
   */
  register(registration: Registration, ttlMs: number, options?: RegisterOptions): Promise<Registered>;
  /** Lets a lease live for another TTL. */
  renew(lease: Lease): Promise<Renewed>;
  /**
   * Changes what an instance says of itself. A change that changes nothing, or was overtaken, has no revision; one that
   * leaves it with too much text is refused with `InstanceTooLarge`.
   */
  update(lease: Lease, change: InstanceChange, sequence?: bigint): Promise<Updated>;
  /**
   * Removes an instance. A lease that is gone, or was taken over, is no error and changes nothing.
   *
   * @param sequence as for `register`: a registration of a lower one that comes within a TTL was overtaken on its way.
   */
  deregister(lease: Lease, sequence?: bigint): Promise<Position>;
  /**
   * Sets what an operator wants of an instance, until it is set again: it outlives every lease. What is set already has
   * no revision. Rejects with `InstanceNotFound` where neither an instance nor a state has this id.
   */
  setOperatorState(instanceId: string, wish: OperatorWish): Promise<Position>;
  /** What operators have set, by instance id. */
  listOperatorStates(): Promise<OperatorMarks>;
  /** The services that have instances, by name. */
  listServices(): Promise<ServiceList>;
  /** A page of instances, by id. */
  listInstances(query: InstanceQuery): Promise<InstancePage>;
  /**
   * Follows one service or all, from a snapshot or from `resumeFrom`, until `signal` aborts: then it just ends.
   * Watches that lack the same are given the same event, which nobody changes.
   * It holds no resource before it is first pulled, and nothing for a watcher that doesn't pull but its place. One
   * pull at a time.
   */
  watch(query: WatchQuery): AsyncIterable<WatchEvent>;
  /** Ends watches with `StoreClosed` and lets go of all timers. The store isn't used afterwards. */
  close(): Promise<void>;
}

/** How much a store holds. */
export interface StoreCounts {
  readonly instances: number;
  /** Open at this process. */
  readonly watches: number;
  /** Of the instances, those whose expiry is held back. */
  readonly heldExpiries: number;
  /** Changes so far in this epoch. */
  readonly revisions: number;
}

/** What an operator sets. */
export interface OperatorWish {
  readonly state: OperatorState;
  readonly reason: string;
}

/** What operators have set. */
export interface OperatorMarks {
  readonly marks: readonly OperatorMark[];
  readonly position: Position;
}

/** A registration's lease. */
export interface Registered {
  readonly leaseId: string;
  readonly position: Position;
}

/** A lease that lives on. */
export interface Renewed {
  readonly ttlMs: number;
  readonly position: Position;
}

/** An instance as its change left it. */
export interface Updated {
  readonly instance: Instance;
  readonly position: Position;
}

/** One service and how many instances it has. */
export interface ServiceSummary {
  readonly service: string;
  readonly instances: number;
  /** Those of them that take calls: they say so, and no operator says otherwise. */
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
  /** Only those with a greater id; empty for the first page. */
  readonly afterId: string;
  readonly pageSize: number;
}

/** A page of instances. */
export interface InstancePage {
  readonly instances: readonly Instance[];
  /** Whether others follow. */
  readonly more: boolean;
  readonly position: Position;
  readonly warming: boolean;
}

/** What to follow, and from where. */
export interface WatchQuery {
  /** A fully qualified service; undefined for all. */
  readonly service: string | undefined;
  /** The position of the last event seen; undefined for a snapshot. */
  readonly resumeFrom: Position | undefined;
  readonly signal: AbortSignal;
}
