import type { Random } from '../../clock/index.js';

/** What somebody is ejected for: calls that failed, calls that took long, or connections that broke. */
type EjectionCause = 'faults' | 'latency' | 'connection';

/** What one is ejected with. */
export interface EjectOptions {
  readonly cause: EjectionCause;
  /** Such as `5 calls in a row failed`. */
  readonly reason: string;
  readonly now: number;
  readonly random: Random;
}

const FIRST_WAIT_MS = 2_000;
const LAST_WAIT_MS = 60_000;
/** By so much, up or down, so that not all clients come back at once. */
const JITTER = 0.1;
/** Each such time that it stays well takes one ejection off those that make the next one longer. */
const FORGIVEN_AFTER_MS = 60_000;
/** A call that asks has so long to say how it is before another may. */
const ANSWER_MS = 10_000;
/** The same where its outcome told nothing, and where another process may have taken the place. */
const SOON_MS = 1_000;
/** Calls that can be repeated may ask so much sooner than those that can't. */
const UNSAFE_LATER_MS = 1_000;

/**
 * Whether something takes no calls, for 2, 4, 8 … 60 s at a time: then one call asks. Nothing runs meanwhile: it is the
 * calls that bring the time.
 */
export class Ejection {
  #cause: EjectionCause | undefined;
  #reason = '';
  /** The ejections before, less those forgiven. */
  #count = 0;
  /** When it may be asked for the first time. */
  #dueAt = 0;
  /** When the next call may ask. */
  #askAt = 0;
  #endedAt = 0;

  /** What it is ejected for; undefined where it isn't. */
  get cause(): EjectionCause | undefined {
    return this.#cause;
  }

  /** Ejects it, as from `now`. */
  begin({ cause, reason, now, random }: EjectOptions): void {
    const forgiven = Math.floor((now - this.#endedAt) / FORGIVEN_AFTER_MS);
    this.#count = Math.max(0, this.#count - forgiven);
    this.#cause = cause;
    this.#reason = reason;
    this.#wait(now, random);
  }

  /** It was asked and is no better: it is asked again later than before. No effect where that was before its time. */
  renew(now: number, random: Random): void {
    if (this.#cause !== undefined && now >= this.#dueAt) this.#wait(now, random);
  }

  /** It takes calls again. */
  end(now: number): void {
    this.#cause = undefined;
    this.#endedAt = now;
  }

  /** Whether one call may ask now, be it `safe` to repeat; the next one has to wait for its outcome. */
  mayProbe(now: number, { safe }: { readonly safe: boolean } = { safe: true }): boolean {
    if (now < (safe ? this.#askAt : this.#askAt + UNSAFE_LATER_MS)) return false;
    this.#askAt = now + ANSWER_MS;
    return true;
  }

  /** A call that asked has told nothing, or there is reason to ask sooner: another call may, soon. */
  probeSoon(now: number): void {
    this.#askAt = Math.min(this.#askAt, now + SOON_MS);
    this.#dueAt = Math.min(this.#dueAt, this.#askAt);
  }

  /** How it stands at `now`, such as `5 calls in a row failed, asked again in 3 s`. */
  describe(now: number): string {
    const leftMs = this.#dueAt - now;
    const when = leftMs > 0 ? `in ${Math.ceil(leftMs / 1_000)} s` : 'now';
    return `${this.#reason}, asked again ${when}`;
  }

  #wait(now: number, random: Random): void {
    const waitMs = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#count);
    this.#count += 1;
    this.#dueAt = now + waitMs * (1 - JITTER + 2 * JITTER * random.next());
    this.#askAt = this.#dueAt;
  }
}
