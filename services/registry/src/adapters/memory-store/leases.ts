import type { Clock, Random, Timer } from '@rondo/rpc/clock';
import { isOvertaken } from '../../domain/admission.js';
import { InstanceTakenOver, LeaseNotFound } from '../../domain/errors.js';
import { ExpiryGuard, type ExpiryGuardOptions } from '../../domain/expiry-guard.js';
import {
  incarnationOf,
  isSameToken,
  type Lease,
  leaseIdOf,
  type SecretHash,
  SUFFIX_BYTES,
} from '../../domain/lease.js';
import { type Expiring, ExpiryQueue } from './expiry-queue.js';

/** A lease that is live, or whose expiry is held back. */
export interface Grant extends Readonly<Lease>, Expiring, Stallable {
  readonly incarnation: bigint;
  readonly secretHash: SecretHash | undefined;
  /** The SPIFFE id of its holder. */
  identity: string | undefined;
  expiresAtMs: number;
  ttlMs: number;
  /** The number of the last call that was accepted from its holder. */
  sequence: bigint;
}

/** The process that a lease is granted to. */
type Holder = Pick<Grant, 'instanceId' | 'incarnation' | 'secretHash' | 'identity'>;

/** The options of {@link Leases}. */
interface LeasesOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Called for each lease that expired, after it was removed. */
  readonly onExpired: (grant: Grant) => void;
  /** Called when this process was suspended, with the delay of its timer. */
  readonly onStall: (stall: { readonly lateMs: number }) => void;
  /** Called when the guard begins to hold expiry back, and when it ends. */
  readonly guard: ExpiryGuardOptions;
}

/** The leases by instance id, with one timer for all of them. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #grants = new Map<string, Grant>();
  /** The leases that haven't run out. */
  readonly #queue = new ExpiryQueue<Grant>();
  readonly #guard: ExpiryGuard;
  readonly #stalls = new Stalls();
  #timer: { readonly at: number; readonly handle: Timer } | undefined;

  constructor(options: LeasesOptions) {
    this.#options = options;
    this.#guard = new ExpiryGuard(options.guard);
  }

  /** The number of leases that ran out and are held back from expiring. */
  get held(): number {
    return this.#guard.held;
  }

  /** When the lease on an instance id ran out, if it is held back from expiring. */
  lapseTimeOf(instanceId: string): number | undefined {
    return this.#guard.lapseTimeOf(instanceId);
  }

  /** The lease on an instance id. */
  of(instanceId: string): Grant | undefined {
    return this.#grants.get(instanceId);
  }

  /**
   * The live lease that `lease` names.
   *
   * @throws InstanceTakenOver if a later incarnation holds the instance id, else LeaseNotFound.
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

  /** Grants a lease on an instance id. It replaces the present lease, if there is one. */
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

  /** Notes the number of a call of the holder. Returns false if a later call has already been accepted. */
  advanceSequence(grant: Grant, sequence: bigint): boolean {
    if (isOvertaken(sequence, grant)) return false;
    if (sequence > 0n) grant.sequence = sequence;
    return true;
  }

  /** Renews a lease for `ttlMs` from now, even if it is held back from expiring. */
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

  /** Cancels the timer. */
  close(): void {
    this.#timer?.handle.cancel();
    this.#timer = undefined;
  }

  /**
   * Arms the timer for the first expiry, and for at most a second from now while there are leases, so that it notices
   * when the process was suspended. A timer that fires for nothing is cheaper than moving it.
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

  /**
   * Expires the leases that were held back for as long as allowed, and those of the leases that run out now that the
   * guard releases.
   */
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

  /** Removes the leases that run out now from the queue. */
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

/** A lease, as {@link Stalls} sees it. */
interface Stallable {
  readonly ttlMs: number;
  /** How often it got a reprieve since its last renewal. */
  reprieves: number;
}

/** The longest time between two looks at the clock, in milliseconds. A longer suspension is noticed. */
const BEAT_MS = 1000;

/** A timer that is later than this was kept from running. */
const LATE_MS = 1000;

/** The time for renewals to arrive, beyond two thirds of a TTL. */
const GRACE_MS = 1000;

/**
 * How many reprieves a lease gets between two renewals: a registry that stalls for ever must not keep an instance for
 * ever.
 */
const MOST_REPRIEVES = 3;

/**
 * Detects when this process was suspended: stopped, asleep with its machine, or too busy to run its timers. It received
 * no renewals then, so no lease may run out before its holder has had the time to renew it.
 *
 * That time is two thirds of the TTL plus a second. A holder whose last renewal succeeded waits a third of the TTL
 * before the next. A holder whose call the stall has swallowed gives up on it after at most a third, and waits at most
 * another third before it tries again.
 */
class Stalls {
  #wokeAtMs = Number.NEGATIVE_INFINITY;

  /** Notes that a timer that was due at `dueMs` runs now. Returns whether the process was suspended in between. */
  note(dueMs: number, nowMs: number): boolean {
    if (nowMs - dueMs <= LATE_MS) return false;
    this.#wokeAtMs = nowMs;
    return true;
  }

  /**
   * Returns until when a lease that was due at `dueMs` is kept, or undefined if it isn't. Counts the reprieves it
   * gives.
   */
  reprieve(lease: Stallable, dueMs: number): number | undefined {
    const untilMs = this.#wokeAtMs + (lease.ttlMs * 2) / 3 + GRACE_MS;
    if (dueMs >= untilMs || lease.reprieves >= MOST_REPRIEVES) return undefined;
    lease.reprieves += 1;
    return untilMs;
  }
}
