import { type Clock, type Timer, TokenBucket } from '@rondo/base';

/**
 * nghttp2, Node's HTTP/2 library, allows 1,000 resets at once and 33 a second. Half of that leaves room for other
 * clients.
 */
const BURST = 500;
const INTERVAL_MS = 60;
/** With fewer left than this, a new connection is worth its cost. */
const SCARCE = BURST / 4;

/**
 * Bounds the resets of a connection's streams by a token bucket. Each cancelled call is a reset. A server that gets too
 * many assumes an attack (CVE-2023-44487) and closes the connection, with every other call on it. While a reset
 * waits, the server may end the call by itself.
 */
export class ResetPacer {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  readonly #bucket: TokenBucket;
  readonly #onScarce: () => void;
  #timer: Timer | undefined;

  /** @param onScarce runs on each reset after which few are left, and on each that has to wait. */
  constructor(clock: Clock, onScarce: () => void = () => undefined) {
    this.#clock = clock;
    this.#onScarce = onScarce;
    this.#bucket = new TokenBucket({ clock, burst: BURST, intervalMs: INTERVAL_MS });
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Runs `reset` as soon as the bucket has a token. The returned function cancels it. */
  pace(reset: () => void): () => void {
    if (this.#waiting.size === 0 && this.#bucket.take()) {
      reset();
      if (this.#bucket.tokens < SCARCE) this.#onScarce();
      return () => undefined;
    }
    this.#waiting.add(reset);
    this.#timer ??= this.#clock.setTimer(INTERVAL_MS, () => this.#next(), { keepAlive: false });
    this.#onScarce();
    return () => this.#withdraw(reset);
  }

  #next(): void {
    this.#timer = undefined;
    for (const reset of [...this.#waiting]) {
      if (!this.#bucket.take()) break;
      this.#waiting.delete(reset);
      reset();
    }
    if (this.#waiting.size > 0) {
      this.#timer = this.#clock.setTimer(INTERVAL_MS, () => this.#next(), { keepAlive: false });
    }
  }

  #withdraw(reset: () => void): void {
    this.#waiting.delete(reset);
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
