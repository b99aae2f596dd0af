import type { Logger } from '@rondo/rpc/call';
import type { Clock, Timer } from '@rondo/rpc/clock';
import { ExpiryGuard, type Lapse } from '../../domain/expiry-guard.js';
import { logGuard } from '../guard-log.js';
import type { InstanceRecord } from './record.js';
import type { LeaseListener } from './replica.js';

/** What a reaper is made from. */
export interface ReaperOptions {
  /** By which leases are told to have run out, and are held. */
  readonly clock: Clock;
  /** By which etcd's own doings are waited for. */
  readonly ioClock: Clock;
  readonly log: Logger;
  /** How many instances there are. */
  readonly size: () => number;
  /** Removes an instance whose lease ran out, unless it is back or gone; rejects where etcd can't be reached. */
  readonly remove: (instanceId: string) => Promise<void>;
}

/** etcd ends leases in rounds, half a second apart: what comes of one round is decided on together. */
const SETTLE_MS = 150;
const RETRY_MS = 1_000;
/** What is given for renewals to come, beyond two thirds of a TTL, to those who could not renew here. */
const GRACE_MS = 1_000;
/** How many removals are under way at a time. */
const AT_A_TIME = 16;

/**
 * Decides what becomes of instances whose lease ran out: it removes them, or holds them back where so many lapse that
 * network trouble is likelier than their death. Every registry decides, and the first removes: the others find it done.
 */
export class Reaper implements LeaseListener {
  readonly #options: ReaperOptions;
  readonly #guard: ExpiryGuard;
  readonly #fallen = new Map<string, Lapse>();
  readonly #condemned = new Set<string>();
  readonly #timers = new Map<'settle' | 'due' | 'retry', Timer>();
  /** Those that are given time, each until its timer fires. */
  readonly #reprieved = new Map<string, Timer>();
  #awakeSinceMs = Number.NEGATIVE_INFINITY;
  #removing: Promise<void> | undefined;
  #closed = false;

  constructor(options: ReaperOptions) {
    this.#options = options;
    this.#guard = new ExpiryGuard(logGuard(options.log));
  }

  /** How many expiries are held back. */
  get held(): number {
    return this.#guard.held;
  }

  /** When the lease of an instance ran out whose expiry is held back. */
  lapseTimeOf(instanceId: string): number | undefined {
    return this.#guard.lapseTimeOf(instanceId);
  }

  /**
   * This registry has just come, or come back to etcd: if no other was there, nobody could renew meanwhile. Whose lease
   * has run out is given the time to, two thirds of its TTL and a second. Where others were there, they know better, and
   * remove who is to go.
   */
  woke(): void {
    this.#awakeSinceMs = this.#options.clock.now();
  }

  onLapse(instanceId: string, { ttlMs }: InstanceRecord): void {
    if (this.#fallen.has(instanceId) || this.#condemned.has(instanceId) || this.#reprieved.has(instanceId)) return;
    if (this.#guard.lapseTimeOf(instanceId) !== undefined) return;
    const { clock } = this.#options;
    const lapse = { instanceId, ttlMs, lapseTimeMs: clock.now() };
    const graceMs = this.#awakeSinceMs + (ttlMs * 2) / 3 + GRACE_MS - clock.now();
    if (graceMs <= 0) this.#fall(lapse);
    else if (!this.#closed)
      this.#reprieved.set(
        instanceId,
        clock.setTimer(graceMs, () => this.#fall(lapse)),
      );
  }

  onSettled(instanceId: string): void {
    this.#forget(instanceId);
    this.#guard.back(instanceId);
  }

  onGone(instanceId: string): void {
    this.#forget(instanceId);
    // Another registry has let it go, or it said goodbye. One that expired here stays counted as that.
    if (this.#guard.lapseTimeOf(instanceId) !== undefined) this.#guard.back(instanceId);
  }

  /** Resolves once nothing is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of [...this.#timers.values(), ...this.#reprieved.values()]) timer.cancel();
    this.#timers.clear();
    this.#reprieved.clear();
    await this.#removing;
  }

  #fall(lapse: Lapse): void {
    this.#reprieved.delete(lapse.instanceId);
    this.#fallen.set(lapse.instanceId, lapse);
    this.#arm('settle', SETTLE_MS, () => this.#decide());
  }

  #decide(): void {
    const fallen = [...this.#fallen.values()];
    this.#fallen.clear();
    const { clock, size } = this.#options;
    this.#condemn(this.#guard.lapsed(fallen, { nowMs: clock.now(), size: size() }));
    this.#armDue();
  }

  #release(): void {
    this.#condemn(this.#guard.due(this.#options.clock.now()));
    this.#armDue();
  }

  #armDue(): void {
    if (this.#guard.held === 0) return;
    this.#arm('due', this.#guard.nextDueMs - this.#options.clock.now(), () => this.#release());
  }

  #condemn(lapses: readonly Lapse[]): void {
    for (const { instanceId } of lapses) this.#condemned.add(instanceId);
    if (lapses.length > 0) this.#work();
  }

  #work(): void {
    this.#removing ??= this.#removeAll().finally(() => {
      this.#removing = undefined;
      if (this.#condemned.size > 0) this.#arm('retry', RETRY_MS, () => this.#work());
    });
  }

  /** Goes once through all that are to go; who comes meanwhile is gone through as well. */
  async #removeAll(): Promise<void> {
    const left = this.#condemned.values();
    const worker = async () => {
      for (const instanceId of left) if (!this.#closed) await this.#removeOne(instanceId);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  }

  /** It stays condemned until its removal is seen. */
  async #removeOne(instanceId: string): Promise<void> {
    try {
      await this.#options.remove(instanceId);
    } catch (error) {
      this.#options.log.debug({ err: error, instanceId }, 'an instance that expired is not removed yet');
    }
  }

  #forget(instanceId: string): void {
    this.#fallen.delete(instanceId);
    this.#condemned.delete(instanceId);
    this.#reprieved.get(instanceId)?.cancel();
    this.#reprieved.delete(instanceId);
  }

  #arm(name: 'settle' | 'due' | 'retry', delayMs: number, run: () => void): void {
    if (this.#closed || this.#timers.has(name)) return;
    const { clock, ioClock } = this.#options;
    const timer = (name === 'due' ? clock : ioClock).setTimer(delayMs, () => {
      this.#timers.delete(name);
      run();
    });
    this.#timers.set(name, timer);
  }
}
