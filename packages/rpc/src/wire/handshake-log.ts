import type { Socket } from 'node:net';
import type { Clock } from '@rondo/base';
import type { Logger } from '../call/call.js';

/** The maximum number of log lines a minute. */
const MAX_LINES = 20;
const MINUTE_MS = 60_000;

/**
 * Logs connections that were refused: at most once a minute for each client's host and fault, and at most {@link MAX_LINES}
 * lines a minute in all, so that a client that tries again and again doesn't fill the log. The next line states how many
 * were left out.
 */
export class HandshakeLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #logged = new Set<string>();
  #minuteEndsMs = Number.NEGATIVE_INFINITY;
  #leftOut = 0;
  #refused = 0;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** How many connections were refused, logged or not. */
  get count(): number {
    return this.#refused;
  }

  /** Logs that the connection of a client was refused because of `fault`. */
  refused(
    { remoteAddress = 'unknown', remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>,
    fault: string,
    level: 'warn' | 'debug' = 'warn',
  ): void {
    this.#refused += 1;
    if (!this.#takeLine(`${remoteAddress} ${fault}`)) {
      this.#leftOut += 1;
      return;
    }
    const leftOut = this.#leftOut > 0 ? { leftOut: this.#leftOut } : {};
    this.#leftOut = 0;
    const peer = remotePort === undefined ? remoteAddress : `${remoteAddress}:${remotePort}`;
    this.#logger[level]({ peer, ...leftOut }, `a client was refused: ${fault}`);
  }

  #takeLine(subject: string): boolean {
    const now = this.#clock.now();
    if (now >= this.#minuteEndsMs) {
      this.#logged.clear();
      this.#minuteEndsMs = now + MINUTE_MS;
    }
    if (this.#logged.has(subject) || this.#logged.size >= MAX_LINES) return false;
    this.#logged.add(subject);
    return true;
  }
}
