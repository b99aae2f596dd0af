import type { Logger } from '@rondo/rpc/call';
import type { Clock, Timer } from '@rondo/rpc/clock';
import { ExpiryGuard, type Lapse } from '../../domain/expiry-guard.js';
import { logGuard } from '../catalog/store-options.js';
import type { InstanceRecord } from './record.js';
import type { LeaseListener } from './replica.js';

type TimerName = 'settle' | 'due' | 'retry' | 'beat';

export interface ReaperOptions {
  /** Measures when leases ran out and how long they are held back. */
  readonly clock: Clock;
  /** The clock for waiting for etcd. */
  readonly ioClock: Clock;
  readonly log: Logger;
  /** The number of instances. */
  readonly size: () => number;
  /** Removes an instance whose lease ran out, unless it is back or already gone. Rejects if etcd can't be reached. */
  readonly remove: (instanceId: string) => Promise<void>;
}

/** etcd ends leases in rounds, half a second apart. The lapses of one round are decided on together. */
const SETTLE_MS = 150;
const RETRY_MS = 1_000;
/** The time for renewals to arrive, beyond two thirds of a TTL, for instances that could not renew here. */
const GRACE_MS = 1_000;
/** The time between two looks at the clock, and by how much a look is late if this process was suspended. */
const [BEAT_MS, LATE_MS] = [1_000, 1_000];
/** How many removals run at a time. */
const AT_A_TIME = 16;

/**
 * Removes instances whose leases ran out, or holds their expiry back if so many lapse that network trouble is likelier
 * than their death. Every registry decides. The first one removes the instance; the others find it removed.
 */
export class Reaper implements LeaseListener {
  readonly #options: ReaperOptions;
  readonly #guard: ExpiryGuard;
  readonly #fallen = new Map<string, Lapse>();
  readonly #expired = new Set<string>();
  readonly #timers = new Map<TimerName, Timer>();
  /** Instances that got a reprieve, each until its timer fires. */
  readonly #reprieved = new Map<string, Timer>();
  #graceStartMs = Number.NEGATIVE_INFINITY;
  #removing: Promise<void> | undefined;
  #closed = false;

  constructor(options: ReaperOptions) {
    this.#options = options;
    this.#guard = new ExpiryGuard(logGuard(options.log));
  }

  /** The number of expiries that are held back. */
  get held(): number {
    return this.#guard.held;
  }

  /** When the lease of an instance ran out, if its expiry is held back. */
  lapseTimeOf(instanceId: string): number | undefined {
    return this.#guard.lapseTimeOf(instanceId);
  }

  /**
   * Starts the grace period, because this registry has just started, reconnected to etcd or was suspended. If it is the
   * only registry, no instance could renew meanwhile. An instance whose lease has run out gets time to renew: two thirds
   * of its TTL plus a second. Other registries, which weren't cut off, remove instances without this delay.
   */
  startGrace(): void {
    this.#graceStartMs = this.#options.clock.now();
  }

  onLapse(instanceId: string, { ttlMs }: InstanceRecord): void {
    if (this.#fallen.has(instanceId) || this.#expired.has(instanceId) || this.#reprieved.has(instanceId)) return;
    if (this.#guard.lapseTimeOf(instanceId) !== undefined) return;
    const { clock } = this.#options;
    const lapse = { instanceId, ttlMs, lapseTimeMs: clock.now() };
    const graceMs = this.#graceStartMs + (ttlMs * 2) / 3 + GRACE_MS - clock.now();
    if (graceMs <= 0) this.#fall(lapse);
    else if (!this.#closed)
      this.#reprieved.set(
        instanceId,
        clock.setTimer(graceMs, () => this.#fall(lapse)),
      );
  }

  onAlive(instanceId: string): void {
    this.#forget(instanceId);
    this.#guard.back(instanceId);
    if (!this.#timers.has('beat')) this.#beat();
  }

  onGone(instanceId: string): void {
    this.#forget(instanceId);
    // Another registry has removed it, or it deregistered. An instance that expired here still counts as expired.
    if (this.#guard.lapseTimeOf(instanceId) !== undefined) this.#guard.back(instanceId);
    if (this.#options.size() > 0) return;
    this.#timers.get('beat')?.cancel();
    this.#timers.delete('beat');
  }

  /** Resolves once no removal is running. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of [...this.#timers.values(), ...this.#reprieved.values()]) timer.cancel();
    this.#timers.clear();
    this.#reprieved.clear();
    await this.#removing;
  }

  /** Detects, while there are instances, that this process was suspended: leases ran out meanwhile without a renewal. */
  #beat(): void {
    const { clock, log } = this.#options;
    const dueMs = clock.now() + BEAT_MS;
    this.#arm('beat', BEAT_MS, () => {
      const lateMs = clock.now() - dueMs;
      if (lateMs > LATE_MS) {
        log.warn({ lateMs }, 'the registry was away: leases get extra time to be renewed');
        this.startGrace();
      }
      this.#beat();
    });
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
    this.#expire(this.#guard.lapsed(fallen, { nowMs: clock.now(), size: size() }));
    this.#armDue();
  }

  #release(): void {
    this.#expire(this.#guard.due(this.#options.clock.now()));
    this.#armDue();
  }

  #armDue(): void {
    if (this.#guard.held === 0) return;
    this.#arm('due', this.#guard.nextDueMs - this.#options.clock.now(), () => this.#release());
  }

  #expire(lapses: readonly Lapse[]): void {
    for (const { instanceId } of lapses) this.#expired.add(instanceId);
    if (lapses.length > 0) this.#work();
  }

  #work(): void {
    this.#removing ??= this.#removeAll().finally(() => {
      this.#removing = undefined;
      if (this.#expired.size > 0) this.#arm('retry', RETRY_MS, () => this.#work());
    });
  }

  /** Removes all expired instances once, including those that are added meanwhile. */
  async #removeAll(): Promise<void> {
    const left = this.#expired.values();
    const worker = async () => {
      for (const instanceId of left) if (!this.#closed) await this.#removeOne(instanceId);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  }

  /** The instance stays expired until this registry sees its removal. */
  async #removeOne(instanceId: string): Promise<void> {
    try {
      await this.#options.remove(instanceId);
    } catch (error) {
      this.#options.log.debug({ err: error, instanceId }, 'an expired instance could not be removed yet');
    }
  }

  #forget(instanceId: string): void {
    this.#fallen.delete(instanceId);
    this.#expired.delete(instanceId);
    this.#reprieved.get(instanceId)?.cancel();
    this.#reprieved.delete(instanceId);
  }

  #arm(name: TimerName, delayMs: number, run: () => void): void {
    if (this.#closed || this.#timers.has(name)) return;
    const { clock, ioClock } = this.#options;
    const timer = (name === 'due' || name === 'beat' ? clock : ioClock).setTimer(delayMs, () => {
      this.#timers.delete(name);
      run();
    });
    this.#timers.set(name, timer);
  }
}
