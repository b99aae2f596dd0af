import type { Clock, Random, Timer } from '@rondo/rpc/clock';
import { isOvertaken } from '../../domain/admission.js';
import { InstanceTakenOver, LeaseNotFound } from '../../domain/errors.js';
import { ExpiryGuard, type ExpiryGuardOptions } from '../../domain/expiry-guard.js';
import { incarnationOf, type Lease, leaseIdOf, SUFFIX_BYTES } from '../../domain/lease.js';
import { isSameToken, type SecretHash } from '../../domain/secret.js';
import { type Expiring, ExpiryQueue } from './expiry-queue.js';
import { BEAT_MS, type Stallable, Stalls } from './stalls.js';

/** A lease that lives, or whose expiry is held back. */
export interface Grant extends Readonly<Lease>, Expiring, Stallable {
  readonly incarnation: bigint;
  readonly secretHash: SecretHash | undefined;
  expiresAtMs: number;
  ttlMs: number;
  /** Of what its holder said last. */
  sequence: bigint;
}

/** To which process a lease is granted. */
export type Holder = Pick<Grant, 'instanceId' | 'incarnation' | 'secretHash'>;

/** What leases are made from. */
export interface LeasesOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of each lease that ran out, once it is gone. */
  readonly onExpired: (grant: Grant) => void;
  /** Hears when this process was away, for how long. */
  readonly onStall: (stall: { readonly lateMs: number }) => void;
  /** Hears when expiry is held back, and when it no longer is. */
  readonly guard: ExpiryGuardOptions;
}

/** One lease an instance id, and one timer for all of them. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #grants = new Map<string, Grant>();
  /** Those that haven't run out. */
  readonly #queue = new ExpiryQueue<Grant>();
  readonly #guard: ExpiryGuard;
  readonly #stalls = new Stalls();
  #timer: { readonly at: number; readonly handle: Timer } | undefined;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#guard = new ExpiryGuard(options.guard);
  }

  /** How many leases ran out and are held back from expiring. */
  get held(): number {
    return this.#guard.held;
  }

  /** When the lease on an instance id ran out, where it is held back from expiring. */
  lapseTimeOf(instanceId: string): number | undefined {
    return this.#guard.lapseTimeOf(instanceId);
  }

  /** The lease on an instance id, whoever holds it. */
  of(instanceId: string): Grant | undefined {
    return this.#grants.get(instanceId);
  }

  /**
   * The living lease that `lease` names.
   *
   * @throws InstanceTakenOver where a later incarnation holds the instance id, else LeaseNotFound.
   */
  find({ leaseId, instanceId }: Lease): Grant {
    const grant = this.#grants.get(instanceId);
    if (grant !== undefined && isSameToken(grant.leaseId, leaseId)) return grant;
    const asked = incarnationOf(leaseId);
    if (grant !== undefined && asked !== undefined && asked < grant.incarnation) {
      throw new InstanceTakenOver(instanceId, grant.incarnation);
    }
    throw new LeaseNotFound(instanceId);
  }

  /** Grants a lease on an instance id, in place of the one that there may be. */
  grant({ instanceId, ...holder }: Holder, ttlMs: number): Grant {
    const { clock, random } = this.#options;
    const present = this.#grants.get(instanceId);
    if (present !== undefined) this.end(present);
    this.#guard.back(instanceId);
    const leaseId = leaseIdOf(holder.incarnation, random.hex(SUFFIX_BYTES));
    const expiresAtMs = clock.now() + ttlMs;
    const grant = { leaseId, instanceId, ...holder, ttlMs, sequence: 0n, expiresAtMs, place: -1, reprieves: 0 };
    this.#grants.set(instanceId, grant);
    this.#queue.add(grant);
    this.#arm();
    return grant;
  }

  /** Notes the sequence of what its holder says; false where that was overtaken by what has been noted. */
  take(grant: Grant, sequence: bigint): boolean {
    if (isOvertaken(sequence, grant)) return false;
    if (sequence > 0n) grant.sequence = sequence;
    return true;
  }

  /** Lets a lease live for `ttlMs` from now, also one that is held back from expiring. */
  renew(grant: Grant, ttlMs: number): void {
    const expiresAtMs = this.#options.clock.now() + ttlMs;
    grant.ttlMs = ttlMs;
    grant.reprieves = 0;
    if (this.#guard.back(grant.instanceId)) this.#queue.add(Object.assign(grant, { expiresAtMs }));
    else this.#queue.reschedule(grant, expiresAtMs);
    this.#arm();
  }

  end(grant: Grant): void {
    this.#guard.back(grant.instanceId);
    this.#grants.delete(grant.instanceId);
    this.#queue.delete(grant);
  }

  /** Lets go of the timer. */
  close(): void {
    this.#timer?.handle.cancel();
    this.#timer = undefined;
  }

  /**
   * Sees to it that the timer fires no later than the first lease runs out, and every second while there are any: so
   * it notices when the process was away. That it may fire for nothing is cheaper than to move it.
   */
  #arm(): void {
    const firstMs = Math.min(this.#queue.first?.expiresAtMs ?? Number.POSITIVE_INFINITY, this.#guard.nextDueMs);
    if (firstMs === Number.POSITIVE_INFINITY || (this.#timer !== undefined && this.#timer.at <= firstMs)) return;
    this.close();
    const { clock } = this.#options;
    const now = clock.now();
    const at = Math.min(firstMs, now + BEAT_MS);
    this.#timer = { at, handle: clock.setTimer(at - now, () => this.#run(at)) };
  }

  #run(dueMs: number): void {
    this.#timer = undefined;
    const now = this.#options.clock.now();
    if (this.#stalls.note(dueMs, now)) this.#options.onStall({ lateMs: now - dueMs });
    this.#expire(now);
    this.#arm();
  }

  /** Those that were held for as long as they may be go, and of those that run out now those that the guard lets. */
  #expire(nowMs: number): void {
    const reprieve = ({ instanceId, dueMs }: { instanceId: string; dueMs: number }) => {
      const grant = this.#grants.get(instanceId);
      return grant && this.#stalls.reprieve(grant, dueMs);
    };
    for (const { instanceId } of this.#guard.due(nowMs, reprieve)) this.#drop(instanceId);
    const fallen = this.#fallen(nowMs).map(({ instanceId, ttlMs, expiresAtMs }) => {
      return { instanceId, ttlMs, lapseTimeMs: expiresAtMs };
    });
    if (fallen.length === 0) return;
    const overdue = (withinMs: number, enough: number) => {
      const missedTwo = ({ ttlMs, expiresAtMs }: Grant) => expiresAtMs - nowMs <= ttlMs / 3;
      return this.#queue.countUntil(nowMs + withinMs, missedTwo, enough);
    };
    const expired = this.#guard.lapsed(fallen, { nowMs, size: this.#grants.size, overdue });
    for (const { instanceId } of expired) this.#drop(instanceId);
  }

  /** Takes those that run out now from the queue. */
  #fallen(nowMs: number): readonly Grant[] {
    const fallen: Grant[] = [];
    for (let first = this.#queue.first; first !== undefined && first.expiresAtMs <= nowMs; first = this.#queue.first) {
      const untilMs = this.#stalls.reprieve(first, first.expiresAtMs);
      if (untilMs === undefined) {
        this.#queue.delete(first);
        fallen.push(first);
      } else this.#queue.reschedule(first, untilMs);
    }
    return fallen;
  }

  #drop(instanceId: string): void {
    const grant = this.#grants.get(instanceId);
    if (grant === undefined) return;
    this.#grants.delete(instanceId);
    this.#options.onExpired(grant);
  }
}
