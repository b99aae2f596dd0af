import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import { isOvertaken, judge, type RegisterOptions, toRefused } from '../../domain/admission.js';
import {
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
  type OperatorMark,
  type OperatorState,
  type Registration,
  refuseTooLarge,
} from '../../domain/instance.js';
import { incarnationOf, type Lease, leaseIdOf, SUFFIX_BYTES } from '../../domain/lease.js';
import type { TotalLimits } from '../../domain/limits.js';
import { isSameToken } from '../../domain/secret.js';
import type { OperatorWish } from '../../domain/store.js';
import type { Etcd } from './etcd-client.js';
import type { Folder, Keys } from './keys.js';
import { encode, type InstanceRecord } from './record.js';
import { noteRefusal, type RefusalOptions } from './refusals.js';
import { lastChangeOf, type Standing, type Versioned } from './replica.js';
import { withRetries } from './retry.js';
import { type Ledger, type Outcome, openLedger } from './standing.js';
import { type Operation, put, remove, unchanged } from './transaction.js';

/** What this process knows; it may be behind etcd. */
export interface LocalView {
  standing(instanceId: string): Standing;
  readonly instances: number;
  readonly marks: number;
  /** The ids of those that said goodbye and are remembered, the latest last. */
  readonly goodbyes: readonly string[];
  /** How many services would have instances with these among them. */
  servicesWith(services: readonly string[]): number;
}

/** What a writer is made from. */
export interface WriterOptions {
  readonly etcd: Etcd;
  readonly keys: Keys;
  readonly local: LocalView;
  readonly limits: TotalLimits;
  /** By which incarnations are bounded, and told when something happened. */
  readonly wallClock: WallClock;
  /** By which etcd is waited for. */
  readonly ioClock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Something written, and the revision from which on it stands; none where nothing had to be. */
export interface Written<T> {
  readonly value: T;
  readonly revision: bigint | undefined;
}

/** An instance after its change. */
export interface Amended {
  readonly record: InstanceRecord;
  readonly operatorState: OperatorState;
}

/** A step of a change: what came of it, or what stands there instead of what it was decided on. */
type Step<T> = (standing: Standing) => Promise<Written<T> | { readonly standing: Standing }>;

const ETCD_LEASE_BYTES = 8;
/** etcd takes 128 steps a transaction by default; a limit that was lowered may leave more goodbyes than that to forget. */
const FORGOTTEN_AT_ONCE = 100;
const NOTHING = Buffer.alloc(0);

/**
 * Changes what stands in etcd, by the registry's rules: each change is decided on what this process knows, and is taken
 * where that still stands; else it is decided again on what etcd has. Nobody is refused on what may be out of date.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #ledger: Ledger;
  readonly #refusals: RefusalOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#ledger = openLedger(options.etcd, options.keys);
    this.#refusals = {
      ...options,
      last: (instanceId) => options.local.standing(instanceId).refusal?.value,
      grant: (ttlMs) => this.#grant(ttlMs),
    };
  }

  /** Gives the lease id. */
  register(registration: Registration, ttlMs: number, options: RegisterOptions): Promise<Written<string>> {
    const { instanceId } = registration;
    return this.#decide(instanceId, async (standing) => {
      const { record } = standing;
      const holder = record && { ...record.value, incarnation: record.value.registration.incarnation };
      const admission = judge(registration, options, {
        holder,
        goodbye: standing.goodbye?.value,
        wallMs: this.#wallMs(),
      });
      if (admission.kind === 'overtaken') return unwritten(admission.by.leaseId);
      this.#refuseAboveLimits(registration, record !== undefined);
      if (admission.kind === 'new' || record === undefined)
        return this.#admit(registration, { ...options, ttlMs }, standing);
      const { value: held } = record;
      const etcdLease = await this.#keptLease(held, ttlMs);
      const after = { ...held, registration, ttlMs, sequence: latest(options.sequence ?? 0n, held), etcdLease };
      return written(held.leaseId, await this.#rewrite(after, record));
    });
  }

  /** Writes down a refusal that has to do with another process, so that lists tell of it. Gives its revision, if it has one. */
  async noteRefusal(fault: unknown, registration: Registration, ttlMs: number): Promise<bigint | undefined> {
    const refused = toRefused(fault, registration, this.#wallMs());
    if (refused === undefined) return undefined;
    return noteRefusal(this.#refusals, { instanceId: registration.instanceId, refused, ttlMs });
  }

  /** A new lease for an instance id that has none, or one of an earlier incarnation. */
  async #admit(
    registration: Registration,
    { ttlMs, sequence = 0n, secretHash }: RegisterOptions & { readonly ttlMs: number },
    { record, goodbye, refusal }: Standing,
  ): Promise<Written<string> | { readonly standing: Standing }> {
    const { instanceId, incarnation } = registration;
    const leaseId = leaseIdOf(incarnation, this.#options.random.hex(SUFFIX_BYTES));
    const etcdLease = await this.#grant(ttlMs);
    const admitted = { registration, registerTimeMs: this.#wallMs(), ttlMs, sequence, secretHash, leaseId, etcdLease };
    const conditions = [
      unchanged(this.#key('instances', instanceId), record?.modRevision ?? 0n),
      unchanged(this.#key('goodbyes', instanceId), goodbye?.modRevision ?? 0n),
    ];
    const forgotten = refusal === undefined ? [] : [remove(this.#key('refusals', instanceId))];
    const steps = [this.#instance(admitted), this.#lease(admitted), ...forgotten, this.#head()];
    return written(leaseId, await this.#ledger.commit(instanceId, conditions, steps));
  }

  /** Gives the lease's TTL. One that ran out lives again for as long as its instance stands. */
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
    return this.#decide(instanceId, async (standing) => {
      const { record, mark } = standing;
      const operatorState = mark?.value.state ?? 'none';
      const before = heldBy(lease, record);
      const held = before.value;
      if (isOvertaken(sequence, held)) return unwritten({ record: held, operatorState });
      refuseTooLarge(held.registration, change);
      const registration = { ...held.registration, ...change };
      const after = { ...held, registration, sequence: latest(sequence, held) };
      return written({ record: after, operatorState }, await this.#rewrite(after, before));
    });
  }

  /** Gives whether there was something to remove. */
  async deregister(lease: Lease, sequence: bigint): Promise<Written<boolean>> {
    const { instanceId, leaseId } = lease;
    try {
      return await this.#decide(instanceId, async ({ record }) => {
        const { value: held, modRevision } = heldBy(lease, record);
        const { registration, ttlMs } = held;
        const { incarnation } = registration;
        const goodbye = encode({ incarnation, secretHash: held.secretHash, sequence, leaseId });
        const steps = [
          ...this.#forgottenGoodbyes(instanceId),
          remove(this.#key('instances', instanceId)),
          remove(this.#key('leases', instanceId)),
          put(this.#key('goodbyes', instanceId), goodbye, await this.#grant(ttlMs)),
          this.#head(),
        ];
        const conditions = [unchanged(this.#key('instances', instanceId), modRevision)];
        return written(true, await this.#ledger.commit(instanceId, conditions, steps));
      });
    } catch (error) {
      if (error instanceof LeaseNotFound || error instanceof InstanceTakenOver) return unwritten(false);
      throw error;
    }
  }

  /** Removes an instance whose lease ran out, unless it is back or gone. */
  async removeLapsed(instanceId: string): Promise<void> {
    const { record } = this.#options.local.standing(instanceId);
    if (record === undefined) return;
    const conditions = [
      unchanged(this.#key('instances', instanceId), record.modRevision),
      unchanged(this.#key('leases', instanceId), 0n),
    ];
    await this.#options.etcd.commit(conditions, [remove(this.#key('instances', instanceId)), this.#head()]);
  }

  setOperatorState(instanceId: string, { state, reason }: OperatorWish): Promise<Written<boolean>> {
    const key = this.#key('operators', instanceId);
    return this.#decide(instanceId, async ({ record, mark }) => {
      if (record === undefined && mark === undefined) throw new InstanceNotFound(instanceId);
      const present = mark?.value;
      if ((present?.state ?? 'none') === state && (state === 'none' || present?.reason === reason)) {
        return unwritten(false);
      }
      const { cordoned } = this.#options.limits;
      if (state !== 'none' && mark === undefined && this.#options.local.marks >= cordoned) {
        throw new LimitReached('cordoned', cordoned);
      }
      const wanted: OperatorMark = { instanceId, state, reason, setTimeMs: this.#wallMs() };
      const isVisible = record !== undefined && (present?.state ?? 'none') !== state;
      const step = state === 'none' ? remove(key) : put(key, encode(wanted));
      const conditions = [unchanged(key, mark?.modRevision ?? 0n)];
      return written(true, await this.#ledger.commit(instanceId, conditions, [step, ...this.#headIf(isVisible)]));
    });
  }

  /** Renews a lease of etcd's, or grants another where it is gone or its TTL is another. */
  async #keptLease({ etcdLease, ttlMs }: InstanceRecord, wantedMs: number): Promise<bigint> {
    const isKept = ttlMs === wantedMs && (await this.#options.etcd.keepAlive(etcdLease));
    return isKept ? etcdLease : this.#grant(wantedMs);
  }

  /** Puts a record in place of another; nothing where they are the same. */
  async #rewrite(after: InstanceRecord, before: Versioned<InstanceRecord>): Promise<Outcome> {
    const { value: held, modRevision } = before;
    if (isDeepStrictEqual(after, held)) return { revision: undefined };
    const { instanceId } = after.registration;
    const isVisible = !isDeepStrictEqual(after.registration, held.registration);
    const record = { ...after, unchangedSince: isVisible ? undefined : lastChangeOf(before) };
    const lease = after.etcdLease === held.etcdLease ? [] : [this.#lease(after)];
    const conditions = [unchanged(this.#key('instances', instanceId), modRevision)];
    return this.#ledger.commit(instanceId, conditions, [this.#instance(record), ...lease, ...this.#headIf(isVisible)]);
  }

  /** As many goodbyes are remembered as there may be instances: the oldest make room, many of them a few at a time. */
  #forgottenGoodbyes(instanceId: string): readonly Operation[] {
    const { local, limits } = this.#options;
    const others = local.goodbyes.filter((id) => id !== instanceId);
    const excess = Math.max(0, others.length + 1 - limits.instances);
    return others.slice(0, Math.min(excess, FORGOTTEN_AT_ONCE)).map((id) => remove(this.#key('goodbyes', id)));
  }

  #instance(record: InstanceRecord): Operation {
    return put(this.#key('instances', record.registration.instanceId), encode(record));
  }

  #head(): Operation {
    return put(this.#options.keys.head, NOTHING);
  }

  /** With every change that watchers see, and no other. */
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

  /** A lease of etcd's. One that comes to nothing, as somebody came between, just runs out. */
  async #grant(ttlMs: number): Promise<bigint> {
    const { etcd, random } = this.#options;
    const id = BigInt.asUintN(63, BigInt(`0x${random.hex(ETCD_LEASE_BYTES)}`));
    await etcd.grant(id, ttlMs);
    return id;
  }

  /** Two registries that admit at the same time may exceed them by what they admit: limits bound memory, they don't count. */
  #refuseAboveLimits({ services }: Registration, isKnown: boolean): void {
    const { local, limits } = this.#options;
    if (local.instances + (isKnown ? 0 : 1) > limits.instances) throw new LimitReached('instances', limits.instances);
    if (local.servicesWith(services) > limits.services) throw new LimitReached('services', limits.services);
  }

  /** Takes a step on what is known here, and again on what etcd has, until nobody comes between. */
  #decide<T>(instanceId: string, step: Step<T>): Promise<Written<T>> {
    const { etcd, ioClock: clock, random, local } = this.#options;
    let known: Standing | undefined = local.standing(instanceId);
    return withRetries(
      async () => {
        let isFresh = known === undefined;
        let standing = known ?? (await this.#ledger.read(instanceId));
        known = undefined; // whatever is tried again is decided on what etcd has
        for (;;) {
          try {
            const outcome = await step(standing);
            if (!('standing' in outcome)) return outcome;
            ({ standing } = outcome);
          } catch (error) {
            if (isFresh || !isRefusal(error)) throw error;
            standing = await this.#ledger.read(instanceId);
          }
          isFresh = true;
        }
      },
      { name: etcd.name, clock, random },
    );
  }
}

function written<T>(value: T, outcome: Outcome): Written<T> | { readonly standing: Standing } {
  return 'standing' in outcome ? outcome : { value, revision: outcome.revision };
}

function unwritten<T>(value: T): Written<T> {
  return { value, revision: undefined };
}

/** The record under the lease that `lease` names. */
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
    error instanceof IncarnationAhead ||
    error instanceof LimitReached
  );
}
