import type { Clock, Random, Timer } from '@rondo/rpc/clock';
import { InstanceTakenOver, LeaseNotFound } from '../../domain/errors.js';
import { incarnationOf, type Lease, leaseIdOf } from '../../domain/lease.js';
import { type Expiring, ExpiryQueue } from './expiry-queue.js';

/** A lease that lives. */
export interface Grant extends Readonly<Lease>, Expiring {
  readonly incarnation: bigint;
  ttlMs: number;
  /** Of what its holder said last. */
  sequence: bigint;
}

/** What leases are made from. */
export interface LeasesOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of each lease that ran out, once it is gone. */
  readonly onExpired: (grant: Grant) => void;
}

/** Enough that nobody guesses another's lease. */
const SUFFIX_BYTES = 12;

/** One lease an instance id, and one timer for all of them. */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #grants = new Map<string, Grant>();
  readonly #queue = new ExpiryQueue<Grant>();
  #timer: { readonly at: number; readonly handle: Timer } | undefined;

  constructor(options: LeasesOptions) {
    this.#options = options;
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
    if (grant?.leaseId === leaseId) return grant;
    const asked = incarnationOf(leaseId);
    if (grant !== undefined && asked !== undefined && asked < grant.incarnation) {
      throw new InstanceTakenOver(instanceId, grant.incarnation);
    }
    throw new LeaseNotFound(instanceId);
  }

  /** Grants a lease on an instance id, in place of the one that there may be. */
  grant(instanceId: string, incarnation: bigint, ttlMs: number): Grant {
    const { clock, random } = this.#options;
    const present = this.#grants.get(instanceId);
    if (present !== undefined) this.end(present);
    const leaseId = leaseIdOf(incarnation, random.hex(SUFFIX_BYTES));
    const expiresAtMs = clock.now() + ttlMs;
    const grant: Grant = { leaseId, instanceId, incarnation, ttlMs, sequence: 0n, expiresAtMs, place: -1 };
    this.#grants.set(instanceId, grant);
    this.#queue.add(grant);
    this.#arm();
    return grant;
  }

  /** Notes the sequence of what its holder says; false where that was overtaken by what has been noted. */
  take(grant: Grant, sequence: bigint): boolean {
    if (sequence === 0n) return true;
    if (sequence < grant.sequence) return false;
    grant.sequence = sequence;
    return true;
  }

  /** Lets a lease live for `ttlMs` from now. */
  renew(grant: Grant, ttlMs: number): void {
    grant.ttlMs = ttlMs;
    this.#queue.reschedule(grant, this.#options.clock.now() + ttlMs);
    this.#arm();
  }

  end(grant: Grant): void {
    this.#grants.delete(grant.instanceId);
    this.#queue.delete(grant);
  }

  /** Lets go of the timer. */
  close(): void {
    this.#timer?.handle.cancel();
    this.#timer = undefined;
  }

  /** Sees to it that the timer fires no later than the first lease runs out; that it may fire for nothing is cheaper. */
  #arm(): void {
    const first = this.#queue.first;
    if (first === undefined || (this.#timer !== undefined && this.#timer.at <= first.expiresAtMs)) return;
    this.close();
    const { clock } = this.#options;
    const at = first.expiresAtMs;
    this.#timer = { at, handle: clock.setTimer(at - clock.now(), () => this.#expire()) };
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#options.clock.now();
    for (let first = this.#queue.first; first !== undefined && first.expiresAtMs <= now; first = this.#queue.first) {
      this.end(first);
      this.#options.onExpired(first);
    }
    this.#arm();
  }
}
