import type { Clock } from '@rondo/base';
import type { Logger } from '../../call/call.js';
import type { Limit } from './refusal.js';

interface RefusedCall {
  readonly path: string;
  readonly limit: Limit;
  readonly max: number;
  readonly inFlight: number;
  /** How many handlers run on although their calls have ended. */
  readonly abandoned: number;
}

/** The time without a refused call after which shedding has ended. Milliseconds. */
const QUIET_MS = 5_000;

/** Logs when a server begins to refuse calls and when that has ended, instead of each refused call. */
export class SheddingLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #refused = 0;
  #beganAt = 0;
  #lastAt = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  note({ path, limit, max, inFlight, abandoned }: RefusedCall, now: number): void {
    this.#refused += 1;
    this.#lastAt = now;
    if (this.#refused > 1) return;
    this.#beganAt = now;
    const fields = { method: path, limit, max: Math.floor(max), inFlight, abandoned };
    this.#logger.warn(fields, 'overloaded: calls are being refused');
    this.#wait(QUIET_MS);
  }

  #wait(delayMs: number): void {
    this.#clock.setTimer(delayMs, () => this.#check(), { keepAlive: false });
  }

  #check(): void {
    const leftMs = this.#lastAt + QUIET_MS - this.#clock.now();
    if (leftMs > 0) {
      this.#wait(leftMs);
      return;
    }
    const fields = { refused: this.#refused, seconds: Math.round((this.#lastAt - this.#beganAt) / 1_000) };
    this.#refused = 0;
    this.#logger.info(fields, 'no longer overloaded: no call was refused for 5 s');
  }
}
