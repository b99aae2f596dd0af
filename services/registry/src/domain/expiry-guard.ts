import { Lapses } from './lapses.js';

/** A lease that ran out. */
export interface Lapse {
  readonly instanceId: string;
  readonly ttlMs: number;
  /** When it ran out, in milliseconds since the Unix epoch. */
  readonly lapseTimeMs: number;
}

/** The registry in which leases ran out. */
export interface LapseScene {
  readonly nowMs: number;
  /** How many instances there are: those that lapse now and those that are held among them. */
  readonly size: number;
  /**
   * How many other leases run out within `withinMs` from now and are past two thirds of their own TTL: they missed two
   * renewals. It may stop counting at `enough`. Missing where the store can't tell.
   */
  readonly overdue?: (withinMs: number, enough: number) => number;
}

/** A lease that is held. */
interface Held extends Lapse {
  dueMs: number;
}

/** What a guard tells. */
export interface ExpiryGuardOptions {
  /** Expiry is held back from now on: of `size` instances, `lapsed` have run out or are about to. */
  readonly onBegin: (begin: { readonly lapsed: number; readonly size: number }) => void;
  /** None is held any more: `held` were, of which `back` were heard of again and `expired` weren't. */
  readonly onEnd: (end: { readonly held: number; readonly back: number; readonly expired: number }) => void;
}

/** More than so many leases, and more than such a share of the registry, have to run out inside one TTL. */
export const MASS = { count: 3, percent: 15 } as const;

/** For how many of its own TTLs a lease is held at most, from when it ran out. */
export const HELD_TTLS = 3;

/**
 * Decides whether leases that ran out expire, or are held back because so many did at once that network trouble is
 * likelier than their death. It has no clock and no timer: its store tells it of lapses, whether it decides on them
 * itself or hears of them, and asks what is due.
 *
 * A lease is held where **more than 3** instances **and more than 15 %** of the registry lapse **inside one TTL**: the
 * TTL of the lease that is asked about, so that of two that lapse together a long one may be held and a short one not.
 * That TTL ends now, or a third of it from now: what comes in that third has missed two renewals by now. Each instance
 * counts once, whatever became of it; those that fall due in one go count for each other, so that none goes first. The
 * registry is what there is now and what left by lapsing inside that TTL. A lease that was let go is never called back.
 */
export class ExpiryGuard {
  readonly #options: ExpiryGuardOptions;
  readonly #lapses = new Lapses();
  readonly #held = new Map<string, Held>();
  /** No held lease is due before. */
  #nextDueMs = Number.POSITIVE_INFINITY;
  #counts = { held: 0, back: 0, expired: 0 };

  constructor(options: ExpiryGuardOptions) {
    this.#options = options;
  }

  /** How many are held. */
  get held(): number {
    return this.#held.size;
  }

  /** When to ask {@link ExpiryGuard.due} again; it may be for nothing. Infinity where nothing is held. */
  get nextDueMs(): number {
    return this.#nextDueMs;
  }

  /** When the lease of an instance that is held ran out. */
  lapseTimeOf(instanceId: string): number | undefined {
    return this.#held.get(instanceId)?.lapseTimeMs;
  }

  /** Takes the leases that fell due in one go; gives those that expire, and holds the others. */
  lapsed<T extends Lapse>(fallen: readonly T[], scene: LapseScene): readonly T[] {
    const fresh = fallen.filter(({ instanceId }) => !this.#held.has(instanceId));
    for (const { instanceId } of fresh) this.#lapses.add(instanceId, scene.nowMs);
    this.#lapses.trim(scene.nowMs, scene.size);
    const massByTtl = new Map<number, Mass | undefined>();
    const expired: T[] = [];
    for (const lapse of fresh) {
      const { ttlMs } = lapse;
      if (!massByTtl.has(ttlMs)) massByTtl.set(ttlMs, this.#massInside(ttlMs, scene));
      const mass = massByTtl.get(ttlMs);
      if (mass !== undefined) this.#hold(lapse, mass);
      else expired.push(lapse);
    }
    // Not before all are decided on: who goes must not make the registry larger for the rest.
    for (const { instanceId } of expired) this.#lapses.setGone(instanceId, true);
    return expired;
  }

  /**
   * Notes that an instance was heard of: a renewal, a registration, a goodbye. Says whether it was held.
   * Call it for every new registration too: one that had left is part of the registry again.
   */
  back(instanceId: string): boolean {
    this.#lapses.setGone(instanceId, false);
    if (!this.#held.delete(instanceId)) return false;
    this.#counts.back += 1;
    this.#endIfNoneHeld();
    return true;
  }

  /**
   * Lets go of those that were held for as long as they may be: they expire now.
   *
   * @param reprieve asked for each that is due: gives until when it is held on, or undefined. For a store that was away
   *   when it should have heard of them; it sees to it that this ends.
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

  #massInside(ttlMs: number, { nowMs, size, overdue }: LapseScene): Mass | undefined {
    const { lapsed, gone } = this.#lapses.after(nowMs - ttlMs);
    const past = massOf(lapsed, size + gone);
    if (past !== undefined || overdue === undefined) return past;
    const recent = this.#lapses.after(nowMs - (ttlMs * 2) / 3);
    const total = size + recent.gone;
    const enough = Math.max(MASS.count, Math.floor((MASS.percent * total) / 100)) + 1 - recent.lapsed;
    return massOf(recent.lapsed + overdue(ttlMs / 3, enough), total);
  }

  #hold({ instanceId, ttlMs, lapseTimeMs }: Lapse, mass: Mass): void {
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

interface Mass {
  readonly lapsed: number;
  readonly size: number;
}

function massOf(lapsed: number, size: number): Mass | undefined {
  return lapsed > MASS.count && lapsed * 100 > MASS.percent * size ? { lapsed, size } : undefined;
}
