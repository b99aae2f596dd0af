import { Lapses } from './lapses.js';

/** A lease that ran out. */
export interface Lapse {
  readonly instanceId: string;
  readonly ttlMs: number;
  /** When it ran out, in milliseconds since the Unix epoch. */
  readonly lapseTimeMs: number;
}

/** The state of the registry when leases ran out. */
export interface LapseContext {
  readonly nowMs: number;
  /** The number of instances, including those that lapse now and those that are held back. */
  readonly size: number;
  /**
   * Counts the other leases that run out within `withinMs` from now and have used two thirds of their own TTL: their
   * holders missed two renewals. It may stop counting at `enough`. Undefined if the store can't tell.
   */
  readonly overdue?: (withinMs: number, enough: number) => number;
}

/** A lease that ran out and whose expiry is held back. */
interface Held extends Lapse {
  dueMs: number;
}

/** The events that a guard reports. */
export interface ExpiryGuardOptions {
  /** The guard begins to hold expiry back: of `size` instances, `lapsed` have run out or are about to. */
  readonly onBegin: (begin: { readonly lapsed: number; readonly size: number }) => void;
  /**
   * The guard holds no lease any more. It had held `held` leases, of which `back` were renewed or ended and `expired`
   * were not.
   */
  readonly onEnd: (end: { readonly held: number; readonly back: number; readonly expired: number }) => void;
}

/** A mass lapse: more leases than `count`, and more than `percent` of the registry, run out inside one TTL. */
export const MASS_LAPSE = { count: 3, percent: 15 } as const;

/** For how many of its own TTLs a lease is held back at most, counted from when it ran out. */
export const HELD_TTLS = 3;

/**
 * Decides whether leases that ran out expire at once or are held back. Expiry is held back if so many leases run out at
 * once that network trouble is likelier than the death of all these processes. The guard has no clock and no timer: its
 * store reports lapses to it, whether the store detects them itself or is notified of them, and asks it what is due.
 *
 * A lease is held back if **more than 3** instances **and more than 15 %** of the registry lapse **inside one TTL**.
 * The TTL is that of the lease in question, so if two leases lapse together, the longer one may be held back while the
 * shorter one expires. The TTL ends now, or a third of it from now: a lease that runs out in that third has missed two
 * renewals by now. Each instance counts once, whatever became of it. Leases that fall due together count for each
 * other, so that none of them expires first. The size of the registry is the instances that it has now plus those that
 * left by lapsing inside that TTL. A lease that has expired is never restored.
 */
export class ExpiryGuard {
  readonly #options: ExpiryGuardOptions;
  readonly #lapses = new Lapses();
  readonly #held = new Map<string, Held>();
  /** No held lease is due before this time. */
  #nextDueMs = Number.POSITIVE_INFINITY;
  #counts = { held: 0, back: 0, expired: 0 };

  constructor(options: ExpiryGuardOptions) {
    this.#options = options;
  }

  /** How many leases are held back. */
  get held(): number {
    return this.#held.size;
  }

  /** When to call {@link ExpiryGuard.due} next; there may be nothing due then. Infinity if nothing is held back. */
  get nextDueMs(): number {
    return this.#nextDueMs;
  }

  /** When the lease of an instance ran out, if it is held back. */
  lapseTimeOf(instanceId: string): number | undefined {
    return this.#held.get(instanceId)?.lapseTimeMs;
  }

  /** Takes the leases that fell due together. Returns those that expire and holds the others back. */
  lapsed<T extends Lapse>(fallen: readonly T[], scene: LapseContext): readonly T[] {
    const fresh = fallen.filter(({ instanceId }) => !this.#held.has(instanceId));
    for (const { instanceId } of fresh) this.#lapses.add(instanceId, scene.nowMs);
    this.#lapses.trim(scene.nowMs, scene.size);
    const massByTtl = new Map<number, MassLapse | undefined>();
    const expired: T[] = [];
    for (const lapse of fresh) {
      const { ttlMs } = lapse;
      if (!massByTtl.has(ttlMs)) massByTtl.set(ttlMs, this.#massInside(ttlMs, scene));
      const mass = massByTtl.get(ttlMs);
      if (mass !== undefined) this.#hold(lapse, mass);
      else expired.push(lapse);
    }
    // Only after all are decided on: an expired lease must not enlarge the registry for the others.
    for (const { instanceId } of expired) this.#lapses.setGone(instanceId, true);
    return expired;
  }

  /**
   * Notes a sign of life of an instance: a renewal, a registration or a deregistration. Returns whether the guard had
   * kept its lease from expiring. Call it for every new registration, too: an instance that had expired counts towards the size of the
   * registry again.
   */
  back(instanceId: string): boolean {
    this.#lapses.setGone(instanceId, false);
    if (!this.#held.delete(instanceId)) return false;
    this.#counts.back += 1;
    this.#endIfNoneHeld();
    return true;
  }

  /**
   * Returns the leases that were held back for as long as allowed: they expire now.
   *
   * @param reprieve called for each lease that is due. It returns until when the lease is held back further, or
   *   undefined. A store that was suspended when it should have received renewals uses it; the store must make sure
   *   that this ends.
   */
  due(nowMs: number, reprieve?: (held: Lapse & { readonly dueMs: number }) => number | undefined): readonly Lapse[] {
    if (nowMs < this.#nextDueMs) return [];
    const due: Lapse[] = [];
    this.#nextDueMs = Number.POSITIVE_INFINITY;
    for (const held of this.#held.values()) {
      if (held.dueMs <= nowMs) held.dueMs = reprieve?.(held) ?? held.dueMs;
      if (held.dueMs <= nowMs) due.push(held);
      else this.#nextDueMs = Math.min(this.#nextDueMs, held.dueMs);
    }
    for (const { instanceId } of due) {
      this.#held.delete(instanceId);
      this.#lapses.setGone(instanceId, true);
    }
    this.#counts.expired += due.length;
    this.#endIfNoneHeld();
    return due;
  }

  #massInside(ttlMs: number, { nowMs, size, overdue }: LapseContext): MassLapse | undefined {
    const { lapsed, gone } = this.#lapses.after(nowMs - ttlMs);
    const past = massLapseOf(lapsed, size + gone);
    if (past !== undefined || overdue === undefined) return past;
    const recent = this.#lapses.after(nowMs - (ttlMs * 2) / 3);
    const total = size + recent.gone;
    const enough = Math.max(MASS_LAPSE.count, Math.floor((MASS_LAPSE.percent * total) / 100)) + 1 - recent.lapsed;
    return massLapseOf(recent.lapsed + overdue(ttlMs / 3, enough), total);
  }

  #hold({ instanceId, ttlMs, lapseTimeMs }: Lapse, mass: MassLapse): void {
    const begins = this.#held.size === 0;
    const dueMs = lapseTimeMs + HELD_TTLS * ttlMs;
    this.#held.set(instanceId, { instanceId, ttlMs, lapseTimeMs, dueMs });
    this.#nextDueMs = Math.min(this.#nextDueMs, dueMs);
    this.#counts.held += 1;
    if (begins) this.#options.onBegin(mass);
  }

  #endIfNoneHeld(): void {
    if (this.#held.size > 0 || this.#counts.held === 0) return;
    const counts = this.#counts;
    this.#counts = { held: 0, back: 0, expired: 0 };
    this.#nextDueMs = Number.POSITIVE_INFINITY;
    this.#options.onEnd(counts);
  }
}

interface MassLapse {
  readonly lapsed: number;
  readonly size: number;
}

function massLapseOf(lapsed: number, size: number): MassLapse | undefined {
  return lapsed > MASS_LAPSE.count && lapsed * 100 > MASS_LAPSE.percent * size ? { lapsed, size } : undefined;
}
