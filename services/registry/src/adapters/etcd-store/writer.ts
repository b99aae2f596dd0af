import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import { decideAdmission, isOvertaken, type RegisterOptions, toRefusedRegistration } from '../../domain/admission.js';
import {
  IdentityMismatch,
  IncarnationAhead,
  InstanceNotFound,
  InstanceTakenOver,
  InstanceTooLarge,
  LeaseNotFound,
  LimitReached,
  SecretMismatch,
} from '../../domain/errors.js';
import {
  type InstanceChange,
  type OperatorState,
  type OperatorStateEntry,
  type Registration,
  refuseTooLarge,
} from '../../domain/instance.js';
import { incarnationOf, isSameToken, type Lease, leaseIdOf, SUFFIX_BYTES } from '../../domain/lease.js';
import type { TotalLimits } from '../../domain/limits.js';
import type { OperatorStateChange } from '../../domain/store.js';
import type { Catalog } from '../catalog/catalog.js';
import { type Etcd, type Operation, put, remove, unchanged } from './etcd-client.js';
import type { Folder, Keys } from './keys.js';
import { encode, type InstanceRecord } from './record.js';
import { type RefusalRecordOptions, recordRefusal } from './refusal-record.js';
import { lastChangeOf } from './replica.js';
import { withRetries } from './retry.js';
import {
  type CommitResult,
  openStateTransactions,
  type StateTransactions,
  type StoredState,
  type Versioned,
} from './stored-state.js';

/** The state that this process knows. It may be behind etcd. */
export interface LocalView {
  stateOf(instanceId: string): StoredState;
  readonly instances: number;
  readonly operatorStates: number;
  /** The instance ids that have a tombstone, the latest last. */
  readonly tombstones: readonly string[];
  /** The number of services that would have instances if an instance of `services` were added. */
  servicesWith(services: readonly string[]): number;
  /** As `Catalog.serviceTimes`. */
  serviceTimes: Catalog['serviceTimes'];
}

export interface WriterOptions {
  readonly etcd: Etcd;
  readonly keys: Keys;
  readonly local: LocalView;
  readonly limits: TotalLimits;
  /** Bounds incarnations and gives the times of changes. */
  readonly wallClock: WallClock;
  /** The clock for waiting for etcd. */
  readonly ioClock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A value with the revision at which it was written; no revision if nothing had to be written. */
export interface Written<T> {
  readonly value: T;
  readonly revision: bigint | undefined;
}

/** An instance after a change. */
export interface Amended {
  readonly record: InstanceRecord;
  readonly operatorState: OperatorState;
}

/** One try of a change. Returns its result, or the stored state if that has changed meanwhile. */
type Step<T> = (stored: StoredState) => Promise<Written<T> | { readonly stored: StoredState }>;

const ETCD_LEASE_BYTES = 8;
/**
 * etcd accepts 128 steps a transaction by default. After a limit was lowered there may be more tombstones to remove
 * than that.
 */
const FORGOTTEN_AT_ONCE = 100;
const NOTHING = Buffer.alloc(0);

/**
 * Changes the state in etcd by the registry's rules. Each change is decided on the state that this process knows, and
 * committed if etcd still has that state. Otherwise it is decided again on the state in etcd. No call is refused
 * because of outdated state.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #transactions: StateTransactions;
  readonly #refusals: RefusalRecordOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#transactions = openStateTransactions(options.etcd, options.keys);
    this.#refusals = {
      ...options,
      last: (instanceId) => options.local.stateOf(instanceId).refusal?.value,
      grant: (ttlMs) => this.#grant(ttlMs),
    };
  }

  /** Resolves to the lease id. */
  register(registration: Registration, ttlMs: number, options: RegisterOptions): Promise<Written<string>> {
    const { instanceId } = registration;
    return this.#decide(instanceId, async (stored) => {
      const { record } = stored;
      const holder = record && { ...record.value, incarnation: record.value.registration.incarnation };
      const admission = decideAdmission(registration, options, {
        holder,
        tombstone: stored.tombstone?.value,
        wallMs: this.#wallMs(),
      });
      if (admission.kind === 'overtaken') return unwritten(admission.by.leaseId);
      this.#refuseAboveLimits(registration, record !== undefined);
      if (admission.kind === 'new' || record === undefined)
        return this.#admit(registration, { ...options, ttlMs }, stored);
      const { value: held } = record;
      const etcdLease = await this.#keptLease(held, ttlMs);
      const identity = held.identity ?? options.identity;
      const sequence = latest(options.sequence ?? 0n, held);
      const { services } = registration;
      const serviceTimesMs = isDeepStrictEqual(services, held.registration.services)
        ? held.serviceTimesMs
        : this.#options.local.serviceTimes(services, held.registerTimeMs, this.#wallMs());
      const after = { ...held, registration, serviceTimesMs, ttlMs, sequence, identity, etcdLease };
      return written(held.leaseId, await this.#rewrite(after, record));
    });
  }

  /**
   * Records, for lists, that another process holds the id of a refused registration. Resolves to the revision of
   * the record, if there is one.
   */
  async recordRefusal(fault: unknown, registration: Registration, ttlMs: number): Promise<bigint | undefined> {
    const refused = toRefusedRegistration(fault, registration, this.#wallMs());
    if (refused === undefined) return undefined;
    return recordRefusal(this.#refusals, { instanceId: registration.instanceId, refused, ttlMs });
  }

  /** Grants a new lease for an instance id that has none, or only one of an earlier incarnation. */
  async #admit(
    registration: Registration,
    { ttlMs, sequence = 0n, ...proof }: RegisterOptions & { readonly ttlMs: number },
    { record, tombstone, refusal }: StoredState,
  ): Promise<Written<string> | { readonly stored: StoredState }> {
    const { instanceId, incarnation } = registration;
    const leaseId = leaseIdOf(incarnation, this.#options.random.hex(SUFFIX_BYTES));
    const etcdLease = await this.#grant(ttlMs);
    const registerTimeMs = this.#wallMs();
    const serviceTimesMs = this.#options.local.serviceTimes(registration.services, registerTimeMs);
    const admitted = { registration, registerTimeMs, serviceTimesMs, ttlMs, sequence, ...proof, leaseId, etcdLease };
    const conditions = [
      unchanged(this.#key('instances', instanceId), record?.modRevision ?? 0n),
      unchanged(this.#key('goodbyes', instanceId), tombstone?.modRevision ?? 0n),
    ];
    const forgotten = refusal === undefined ? [] : [remove(this.#key('refusals', instanceId))];
    const steps = [this.#instance(admitted), this.#lease(admitted), ...forgotten, this.#head()];
    return written(leaseId, await this.#transactions.commit(instanceId, conditions, steps));
  }

  /**
   * Resolves to the TTL of the lease. A lease that ran out becomes live again as long as its instance is registered.
   */
  renew(lease: Lease): Promise<Written<number>> {
    return this.#decide(lease.instanceId, async ({ record }) => {
      const held = heldBy(lease, record);
      const { ttlMs } = held.value;
      const etcdLease = await this.#keptLease(held.value, ttlMs);
      return written(ttlMs, await this.#rewrite({ ...held.value, etcdLease }, held));
    });
  }

  update(lease: Lease, change: InstanceChange, sequence: bigint): Promise<Written<Amended>> {
    const { instanceId } = lease;
    return this.#decide(instanceId, async (stored) => {
      const { record, operatorState: entry } = stored;
      const operatorState = entry?.value.state ?? 'none';
      const before = heldBy(lease, record);
      const held = before.value;
      if (isOvertaken(sequence, held)) return unwritten({ record: held, operatorState });
      refuseTooLarge(held.registration, change);
      const registration = { ...held.registration, ...change };
      const after = { ...held, registration, sequence: latest(sequence, held) };
      return written({ record: after, operatorState }, await this.#rewrite(after, before));
    });
  }

  /** Resolves to whether there was something to remove. */
  async deregister(lease: Lease, sequence: bigint): Promise<Written<boolean>> {
    const { instanceId, leaseId } = lease;
    try {
      return await this.#decide(instanceId, async ({ record }) => {
        const { value: held, modRevision } = heldBy(lease, record);
        const { registration, ttlMs } = held;
        const { incarnation } = registration;
        const tombstone = encode({ incarnation, secretHash: held.secretHash, sequence, leaseId });
        const steps = [
          ...this.#expiredTombstones(instanceId),
          remove(this.#key('instances', instanceId)),
          remove(this.#key('leases', instanceId)),
          put(this.#key('goodbyes', instanceId), tombstone, await this.#grant(ttlMs)),
          this.#head(),
        ];
        const conditions = [unchanged(this.#key('instances', instanceId), modRevision)];
        return written(true, await this.#transactions.commit(instanceId, conditions, steps));
      });
    } catch (error) {
      if (error instanceof LeaseNotFound || error instanceof InstanceTakenOver) return unwritten(false);
      throw error;
    }
  }

  /** Removes an instance whose lease ran out, unless it is back or gone. */
  async removeLapsed(instanceId: string): Promise<void> {
    const { record } = this.#options.local.stateOf(instanceId);
    if (record === undefined) return;
    const conditions = [
      unchanged(this.#key('instances', instanceId), record.modRevision),
      unchanged(this.#key('leases', instanceId), 0n),
    ];
    await this.#options.etcd.commit(conditions, [remove(this.#key('instances', instanceId)), this.#head()]);
  }

  setOperatorState(instanceId: string, { state, reason }: OperatorStateChange): Promise<Written<boolean>> {
    const key = this.#key('operators', instanceId);
    return this.#decide(instanceId, async ({ record, operatorState }) => {
      if (record === undefined && operatorState === undefined) throw new InstanceNotFound(instanceId);
      const present = operatorState?.value;
      if ((present?.state ?? 'none') === state && (state === 'none' || present?.reason === reason)) {
        return unwritten(false);
      }
      const { cordoned } = this.#options.limits;
      if (state !== 'none' && operatorState === undefined && this.#options.local.operatorStates >= cordoned) {
        throw new LimitReached('cordoned', cordoned);
      }
      const wanted: OperatorStateEntry = { instanceId, state, reason, setTimeMs: this.#wallMs() };
      const isVisible = record !== undefined && (present?.state ?? 'none') !== state;
      const step = state === 'none' ? remove(key) : put(key, encode(wanted));
      const conditions = [unchanged(key, operatorState?.modRevision ?? 0n)];
      return written(true, await this.#transactions.commit(instanceId, conditions, [step, ...this.#headIf(isVisible)]));
    });
  }

  /** Renews an etcd lease. Grants a new one if the lease is gone or the TTL has changed. */
  async #keptLease({ etcdLease, ttlMs }: InstanceRecord, wantedMs: number): Promise<bigint> {
    const isKept = ttlMs === wantedMs && (await this.#options.etcd.keepAlive(etcdLease));
    return isKept ? etcdLease : this.#grant(wantedMs);
  }

  /** Replaces a record. Writes nothing if both are equal. */
  async #rewrite(after: InstanceRecord, before: Versioned<InstanceRecord>): Promise<CommitResult> {
    const { value: held, modRevision } = before;
    if (isDeepStrictEqual(after, held)) return { revision: undefined };
    const { instanceId } = after.registration;
    const isVisible = !isDeepStrictEqual(after.registration, held.registration);
    const record = { ...after, unchangedSince: isVisible ? undefined : lastChangeOf(before) };
    const lease = after.etcdLease === held.etcdLease ? [] : [this.#lease(after)];
    const conditions = [unchanged(this.#key('instances', instanceId), modRevision)];
    return this.#transactions.commit(instanceId, conditions, [
      this.#instance(record),
      ...lease,
      ...this.#headIf(isVisible),
    ]);
  }

  /**
   * The removals of the oldest tombstones. There may be as many tombstones as instances; if there are far more, they
   * are removed a few at a time.
   */
  #expiredTombstones(instanceId: string): readonly Operation[] {
    const { local, limits } = this.#options;
    const others = local.tombstones.filter((id) => id !== instanceId);
    const excess = Math.max(0, others.length + 1 - limits.instances);
    return others.slice(0, Math.min(excess, FORGOTTEN_AT_ONCE)).map((id) => remove(this.#key('goodbyes', id)));
  }

  #instance(record: InstanceRecord): Operation {
    return put(this.#key('instances', record.registration.instanceId), encode(record));
  }

  #head(): Operation {
    return put(this.#options.keys.head, NOTHING);
  }

  /** The write of the head key: it belongs to every change that watchers see, and to no other. */
  #headIf(isVisible: boolean): readonly Operation[] {
    return isVisible ? [this.#head()] : [];
  }

  #lease({ registration, etcdLease }: InstanceRecord): Operation {
    return put(this.#key('leases', registration.instanceId), NOTHING, etcdLease);
  }

  #key(folder: Folder, instanceId: string): Buffer {
    return this.#options.keys.of(folder, instanceId);
  }

  #wallMs(): number {
    return this.#options.wallClock.now().getTime();
  }

  /** Grants an etcd lease. A lease that isn't used, because another change came first, just runs out. */
  async #grant(ttlMs: number): Promise<bigint> {
    const { etcd, random } = this.#options;
    const id = BigInt.asUintN(63, BigInt(`0x${random.hex(ETCD_LEASE_BYTES)}`));
    await etcd.grant(id, ttlMs);
    return id;
  }

  /**
   * Checks the limits. Two registries that admit instances at the same time may exceed them by what they admit: the
   * limits bound memory, they aren't exact.
   */
  #refuseAboveLimits({ services }: Registration, isKnown: boolean): void {
    const { local, limits } = this.#options;
    if (local.instances + (isKnown ? 0 : 1) > limits.instances) throw new LimitReached('instances', limits.instances);
    if (local.servicesWith(services) > limits.services) throw new LimitReached('services', limits.services);
  }

  /** Tries a change on the state known here, then again on the state in etcd, until no other change comes between. */
  #decide<T>(instanceId: string, step: Step<T>): Promise<Written<T>> {
    const { etcd, ioClock: clock, random, local } = this.#options;
    let known: StoredState | undefined = local.stateOf(instanceId);
    return withRetries(
      async () => {
        let isFresh = known === undefined;
        let stored = known ?? (await this.#transactions.read(instanceId));
        known = undefined; // later tries are decided on the state in etcd
        for (;;) {
          try {
            const outcome = await step(stored);
            if (!('stored' in outcome)) return outcome;
            ({ stored } = outcome);
          } catch (error) {
            if (isFresh || !isRefusal(error)) throw error;
            stored = await this.#transactions.read(instanceId);
          }
          isFresh = true;
        }
      },
      { name: etcd.name, clock, random },
    );
  }
}

function written<T>(value: T, outcome: CommitResult): Written<T> | { readonly stored: StoredState } {
  return 'stored' in outcome ? outcome : { value, revision: outcome.revision };
}

function unwritten<T>(value: T): Written<T> {
  return { value, revision: undefined };
}

/** The record that `lease` belongs to. */
function heldBy(
  { leaseId, instanceId }: Lease,
  record: Versioned<InstanceRecord> | undefined,
): Versioned<InstanceRecord> {
  if (record !== undefined && isSameToken(record.value.leaseId, leaseId)) return record;
  const asked = incarnationOf(leaseId);
  const holder = record?.value.registration.incarnation;
  if (holder !== undefined && asked !== undefined && asked < holder) throw new InstanceTakenOver(instanceId, holder);
  throw new LeaseNotFound(instanceId);
}

function latest(sequence: bigint, said: { readonly sequence: bigint }): bigint {
  return sequence > said.sequence ? sequence : said.sequence;
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof LeaseNotFound ||
    error instanceof InstanceTooLarge ||
    error instanceof InstanceNotFound ||
    error instanceof InstanceTakenOver ||
    error instanceof SecretMismatch ||
    error instanceof IdentityMismatch ||
    error instanceof IncarnationAhead ||
    error instanceof LimitReached
  );
}
