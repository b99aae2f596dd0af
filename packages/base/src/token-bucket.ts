import type { Clock } from './clock.js';

/** Options of {@link TokenBucket}. */
interface TokenBucketOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** The most tokens, and how many there are at first. */
  readonly burst: number;
  /** How long it takes until there is one more. Milliseconds. */
  readonly intervalMs: number;
}

/** A token bucket: bounds how often something is done, with a burst. It sets no timer. */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  /** When it had no token, as if it had been filled at its rate since. */
  #emptyAt: number;

  constructor(options: TokenBucketOptions) {
    const { clock, burst, intervalMs } = options;
    this.#options = options;
    this.#emptyAt = clock.now() - burst * intervalMs;
  }

  /** How many tokens there are now, with a fraction. */
  get tokens(): number {
    const { clock, burst, intervalMs } = this.#options;
    return Math.min(burst, (clock.now() - this.#emptyAt) / intervalMs);
  }

  /** Takes a token. False if there is none. */
  take(): boolean {
    const { clock, burst, intervalMs } = this.#options;
    const now = clock.now();
    this.#emptyAt = Math.max(this.#emptyAt, now - burst * intervalMs);
    if (now - this.#emptyAt < intervalMs) return false;
    this.#emptyAt += intervalMs;
    return true;
  }
}
