import type { Channel } from '../channel/channel.js';
import type { Clock, Random } from '../clock/index.js';
import { RpcError } from '../status/index.js';
import type { ClientCall } from './client.js';

/** A stream that stood for so long has earned a fresh start, be it that it had nothing to tell. Milliseconds. */
const STEADY_MS = 10_000;

/** What an outage is kept with. */
interface OutageOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** How long nothing may come before the stream is given up. */
  readonly forMs: number;
  /** Whether a further try is allowed, as tries share a budget; if so, it is counted. */
  readonly mayTryAgain: () => boolean;
}

/** For how long, and in how many tries, nothing has come of a stream; and how long to wait before the next one. */
export class Outage {
  readonly #options: OutageOptions;
  readonly #pauses: Pauses;
  #sinceMs: number | undefined;
  #tries = 0;

  constructor(options: OutageOptions) {
    this.#options = options;
    this.#pauses = new Pauses(options.random);
  }

  /** Something has come. */
  over(): void {
    this.#sinceMs = undefined;
    this.#tries = 0;
  }

  /** What broke now had stood for `stoodMs`. Gives how long to wait; undefined where it is given up. */
  onBreak(stoodMs: number): number | undefined {
    if (stoodMs >= STEADY_MS) {
      this.over();
      this.#pauses.reset();
    }
    const { clock, forMs } = this.#options;
    this.#sinceMs ??= clock.now();
    const leftMs = forMs - (clock.now() - this.#sinceMs);
    if (leftMs <= 0) return undefined;
    const pauseMs = this.#mayHurry() ? this.#pauses.next() : this.#pauses.longest();
    this.#tries += 1;
    return Math.min(pauseMs, leftMs);
  }

  /** What has brought its reader on has earned a try; each further one is paid for. */
  #mayHurry(): boolean {
    return this.#tries === 0 || this.#options.mayTryAgain();
  }

  /** How a stream ends that is given up. */
  explain(error: RpcError): RpcError {
    const { code, message, details, metadata } = error;
    const seconds = Math.round((this.#options.clock.now() - (this.#sinceMs ?? 0)) / 100) / 10;
    const what = `the stream broke and could not be resumed within ${seconds} s, in ${this.#tries} tries`;
    return new RpcError(code, `${what}: ${message}`, { details, metadata, cause: error });
  }
}

/** The bound of the first pause, which doubles with each that follows. Milliseconds. */
const FIRST_MS = 100;
const LONGEST_MS = 5_000;
/** More doublings make no difference. */
const MAX_DOUBLINGS = 16;

/** The pauses before a stream is begun again, in milliseconds: exponential, with full jitter. */
class Pauses {
  readonly #random: Random;
  #breaks = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What broke had stood for long: that was no failure of the kind that repeats itself. */
  reset(): void {
    this.#breaks = 0;
  }

  next(): number {
    const boundMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(this.#breaks, MAX_DOUBLINGS));
    this.#breaks += 1;
    return this.#random.next() * boundMs;
  }

  /** Where further tries are too many already. */
  longest(): number {
    return LONGEST_MS * (0.5 + this.#random.next() / 2);
  }
}

/** Waits `delayMs`, or until the call ends or the channel is closed. */
export function wait(delayMs: number, { limit, method }: ClientCall, channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      unlisten();
      limit.offEnd(end);
      resolve();
    };
    const timer = channel.clock.setTimer(delayMs, end);
    const unlisten = channel.fleet(method).onChange(() => {
      if (channel.closed) end();
    });
    limit.onEnd(end);
  });
}
