import { type Backoff, backoffMs, type Clock, createBackoff, type Random } from '@rondo/base';
import type { ClientCall } from '../call/client-call.js';
import type { Channel } from '../channel/channel.js';
import { RpcError } from '../status/rpc-error.js';

/** A stream that was open for this time, even without a message, resets the outage and the backoff. Milliseconds. */
const STEADY_MS = 10_000;
/** The bound of the first pause between attempts. It doubles with each further one. Milliseconds. */
const FIRST_MS = 100;
const MAX_MS = 5_000;

/** What an outage is made from. */
interface OutageOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** How long the outage may last. Then the stream is given up. Milliseconds. */
  readonly forMs: number;
  /** Takes one retry from the service's budget. Returns whether there was one. */
  readonly mayRetry: () => boolean;
}

/**
 * The outage of a stream: the time and the attempts since the first break after the last message. It decides when the next
 * attempt is due.
 */
export class Outage {
  readonly #options: OutageOptions;
  readonly #backoff: Backoff;
  #since: number | undefined;
  #attempts = 0;

  constructor(options: OutageOptions) {
    this.#options = options;
    this.#backoff = createBackoff({ baseMs: FIRST_MS, maxMs: MAX_MS, random: options.random });
  }

  /** A message has arrived: the outage is over. */
  onMessage(): void {
    this.#since = undefined;
    this.#attempts = 0;
  }

  /**
   * A stream broke that had been open for `openMs`, or an attempt to resume it failed.
   *
   * @returns how long to wait before the next attempt, in milliseconds; undefined if the stream is given up.
   */
  onBreak(openMs: number): number | undefined {
    if (openMs >= STEADY_MS) {
      this.onMessage();
      this.#backoff.reset();
    }
    const { clock, forMs } = this.#options;
    this.#since ??= clock.now();
    const leftMs = forMs - (clock.now() - this.#since);
    if (leftMs <= 0) return undefined;
    const pauseMs = this.#withinBudget() ? this.#backoff.nextMs() : this.#slowMs();
    this.#attempts += 1;
    return Math.min(pauseMs, leftMs);
  }

  /** The first attempt after a message is free. Each further one takes a retry from the budget. */
  #withinBudget(): boolean {
    return this.#attempts === 0 || this.#options.mayRetry();
  }

  /** A pause between half and all of {@link MAX_MS}, for an attempt that exceeds the retry budget. */
  #slowMs(): number {
    const { random } = this.#options;
    return backoffMs(0, { baseMs: MAX_MS, maxMs: MAX_MS, random, jitter: 'equal' });
  }

  /** The error of a stream that is given up, from the error of the last attempt. */
  explain(error: RpcError): RpcError {
    const { code, message, details, metadata, origin } = error;
    const seconds = Math.round((this.#options.clock.now() - (this.#since ?? 0)) / 100) / 10;
    const what = `the stream broke and could not be resumed within ${seconds} s, in ${this.#attempts} tries`;
    return new RpcError(code, `${what}: ${message}`, { details, metadata, cause: error, origin });
  }
}

/** Waits `delayMs`, or until the call ends or the channel is closed. */
export function wait(delayMs: number, { context, method }: ClientCall, channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      unlisten();
      context.offEnd(end);
      resolve();
    };
    const timer = channel.clock.setTimer(delayMs, end);
    const unlisten = channel.fleet(method).onChange(() => {
      if (channel.closed) end();
    });
    context.onEnd(end);
  });
}
