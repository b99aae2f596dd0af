import type { Clock, Timer } from '@rondo/base';

/**
 * nghttp2, Node's HTTP/2 library, allows 1,000 resets at once and 33 a second. Half of that leaves room for other
 * clients.
 */
const BURST = 500;
const INTERVAL_MS = 60;
/** With fewer left than this, a new connection is worth its cost. */
const SCARCE = BURST / 4;

/**
 * A token bucket for the resets of a connection's streams. Each cancelled call is a reset. A server that gets too
 * many assumes an attack (CVE-2023-44487) and closes the connection, with every other call on it. While a reset
 * waits, the server may end the call by itself.
 */
export class ResetPacer {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #allowed = BURST;
  #countedAt: number;
  readonly #onScarce: () => void;
  #timer: Timer | undefined;

  /** @param onScarce runs on each reset after which few are left, and on each that has to wait. */
  constructor(clock: Clock, onScarce: () => void = () => undefined) {
    this.#clock = clock;
    this.#onScarce = onScarce;
    this.#countedAt = clock.now();
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Runs `reset` as soon as the bucket has a token. The returned function cancels it. */
  pace(reset: () => void): () => void {
    if (this.#waiting.size === 0 && this.#take()) {
      reset();
      if (this.#allowed < SCARCE) this.#onScarce();
      return () => undefined;
    }
    this.#waiting.add(reset);
    this.#timer ??= this.#clock.setTimer(INTERVAL_MS, () => this.#next(), { keepAlive: false });
    this.#onScarce();
    return () => this.#withdraw(reset);
  }

  #take(): boolean {
    const earned = Math.floor((this.#clock.now() - this.#countedAt) / INTERVAL_MS);
    this.#allowed = Math.min(BURST, this.#allowed + earned);
    this.#countedAt += earned * INTERVAL_MS;
    if (this.#allowed < 1) return false;
    this.#allowed -= 1;
    return true;
  }

  #next(): void {
    this.#timer = undefined;
    for (const reset of [...this.#waiting]) {
      if (!this.#take()) break;
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
