/** What a stall bears on: a lease. */
export interface Stallable {
  readonly ttlMs: number;
  /** How often it was given time since its last renewal. */
  reprieves: number;
}

/** How often a watch over time looks at it at least: what is away for longer notices. */
export const BEAT_MS = 1000;

/** A timer that is later than this was kept from running. */
const LATE_MS = 1000;

/** What is given for renewals to come, beyond two thirds of a TTL. */
const GRACE_MS = 1000;

/** Between two renewals a lease is given time so often: a registry that stalls for ever keeps nobody for ever. */
const MOST_REPRIEVES = 3;

/**
 * Knows when this process was away: stopped, asleep with its machine, or too busy to look. It heard no renewals then,
 * so that no lease may run out before its holder has had the time to renew it.
 *
 * That time is two thirds of its TTL and a second. A holder whose last renewal came through waits a third before the
 * next; one whose call the stall has swallowed gives up on it after a third at most, and waits no longer than another
 * before it tries again.
 */
export class Stalls {
  #wokeAtMs = Number.NEGATIVE_INFINITY;

  /** Notes that a timer due at `dueMs` runs now; says whether the process was away in between. */
  note(dueMs: number, nowMs: number): boolean {
    if (nowMs - dueMs <= LATE_MS) return false;
    this.#wokeAtMs = nowMs;
    return true;
  }

  /** Until when a lease that was to go at `dueMs` is given time; undefined where it isn't. Counts those that it gives. */
  reprieve(lease: Stallable, dueMs: number): number | undefined {
    const untilMs = this.#wokeAtMs + (lease.ttlMs * 2) / 3 + GRACE_MS;
    if (dueMs >= untilMs || lease.reprieves >= MOST_REPRIEVES) return undefined;
    lease.reprieves += 1;
    return untilMs;
  }
}
