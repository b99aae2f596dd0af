import type { Random } from '@rondo/base';

/** Why an instance is ejected: failed calls, slow calls, or lost connections. */
type EjectionCause = 'faults' | 'latency' | 'connection';

/** The details of an ejection. */
export interface EjectOptions {
  readonly cause: EjectionCause;
  /** For messages, such as `5 calls in a row failed`. */
  readonly reason: string;
  readonly now: number;
  readonly random: Random;
}

/** The ejection time: it doubles with each ejection in a row, up to a minute. Milliseconds. */
const BASE_EJECTION_MS = 2_000;
const MAX_EJECTION_MS = 60_000;
/** The ejection time varies by ± 10 %, so that not all clients probe at the same moment. */
const JITTER = 0.1;
/** Each minute without an ejection halves the next ejection time. */
const FORGIVEN_AFTER_MS = 60_000;
/** How long a probe may run before the next one may start. */
const PROBE_TIMEOUT_MS = 10_000;
/** The time to the next probe after a neutral outcome, and after a reconnect: another process may answer. */
const SOON_MS = 1_000;
/** How much longer calls that must not be repeated wait before they may probe. */
const UNSAFE_DELAY_MS = 1_000;

/**
 * The ejection state of an instance, for one method or for all. An ejected instance gets no calls for 2, 4, 8 … 60
 * s; then one call probes it. The class sets no timer: its callers pass the time.
 */
export class Ejection {
  #cause: EjectionCause | undefined;
  #reason = '';
  /** The number of previous ejections that still count. */
  #count = 0;
  /** When the ejection time ends. */
  #dueAt = 0;
  /** When the next call may probe. */
  #probeAt = 0;
  #endedAt = 0;

  /** Why the instance is ejected; undefined if it isn't. */
  get cause(): EjectionCause | undefined {
    return this.#cause;
  }

  begin({ cause, reason, now, random }: EjectOptions): void {
    const forgiven = Math.floor((now - this.#endedAt) / FORGIVEN_AFTER_MS);
    this.#count = Math.max(0, this.#count - forgiven);
    this.#cause = cause;
    this.#reason = reason;
    this.#wait(now, random);
  }

  /** Extends the ejection after a failed probe. It has no effect before the ejection time has ended. */
  extend(now: number, random: Random): void {
    if (this.#cause !== undefined && now >= this.#dueAt) this.#wait(now, random);
  }

  end(now: number): void {
    this.#cause = undefined;
    this.#endedAt = now;
  }

  /** Whether a call may probe the instance now; `safe` calls may be repeated. Blocks further probes for a while. */
  mayProbe(now: number, { safe }: { readonly safe: boolean } = { safe: true }): boolean {
    if (now < (safe ? this.#probeAt : this.#probeAt + UNSAFE_DELAY_MS)) return false;
    this.#probeAt = now + PROBE_TIMEOUT_MS;
    return true;
  }

  /** Lets another call probe the instance soon. */
  probeSoon(now: number): void {
    this.#probeAt = Math.min(this.#probeAt, now + SOON_MS);
    this.#dueAt = Math.min(this.#dueAt, this.#probeAt);
  }

  /** The reason and the time of the next probe, such as `5 calls in a row failed, probed again in 3 s`. */
  describe(now: number): string {
    const leftMs = this.#dueAt - now;
    const when = leftMs > 0 ? `in ${Math.ceil(leftMs / 1_000)} s` : 'now';
    return `${this.#reason}, probed again ${when}`;
  }

  #wait(now: number, random: Random): void {
    const waitMs = Math.min(MAX_EJECTION_MS, BASE_EJECTION_MS * 2 ** this.#count);
    this.#count += 1;
    this.#dueAt = now + waitMs * (1 - JITTER + 2 * JITTER * random.next());
    this.#probeAt = this.#dueAt;
  }
}
