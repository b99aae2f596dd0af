import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs } from './backoff.js';
import { DatabaseUnavailable, OutcomeUnknown } from './errors.js';

/** How a caller bears a database that is away for a while, as while it is restarted. */
export interface Patience {
  /** How long it waits until the database is back, in milliseconds from the call on. */
  readonly forMs: number;
  /** Whether what may have taken effect already is done once more: only where doing it twice does no harm. */
  readonly repeat: boolean;
}

/** What a wait ends by. */
interface OutageWaitOptions {
  readonly patience?: Patience | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** So many wait at once; further callers are refused as if they had no patience. */
const MAX_WAITING = 1_000;
const BACKOFF = { baseMs: 50, maxMs: 250 };

/** Waits for a database that is away: all callers together, as one that asks for them. */
export class OutageWait {
  readonly #answers: () => Promise<boolean>;
  readonly #waiting = new Set<() => void>();
  #asking = false;
  #closed = false;

  /** @param answers whether the database answers; never rejects. */
  constructor(answers: () => Promise<boolean>) {
    this.#answers = answers;
  }

  /**
   * Runs `work`, again once the database is back where it went away and that does no harm. `work` is told how long its
   * caller still has patience, in milliseconds: as long as it may wait for a connection; undefined for its own bound.
   */
  async run<T>(work: (leftMs: number | undefined) => Promise<T>, { patience, signal }: OutageWaitOptions): Promise<T> {
    if (patience === undefined) return work(undefined);
    const untilMs = performance.now() + patience.forMs;
    for (;;) {
      try {
        return await work(Math.max(1, untilMs - performance.now()));
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) throw error;
        if (error instanceof OutcomeUnknown && !patience.repeat) throw error;
        // What may be repeated is in no doubt: it can be asked for once more.
        await this.#over(new DatabaseUnavailable(error.message, error.cause), { untilMs, signal });
      }
    }
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** Resolves once the database answers. @throws `error` where it doesn't in time; the signal's reason. */
  #over(error: DatabaseUnavailable, { untilMs, signal }: { untilMs: number; signal: AbortSignal | undefined }) {
    const leftMs = untilMs - performance.now();
    return new Promise<void>((resolve, reject) => {
      if (this.#closed || leftMs <= 0 || this.#waiting.size >= MAX_WAITING) {
        reject(error);
        return;
      }
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waiting.delete(wake);
        settle();
      };
      const wake = () => end(resolve);
      const onAbort = () => end(() => reject(signal?.reason));
      const timer = setTimeout(() => end(() => reject(error)), leftMs);
      this.#waiting.add(wake);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted) onAbort();
      void this.#ask();
    });
  }

  /** Asks on, with growing pauses, for as long as somebody waits. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    for (let attempt = 1; this.#waiting.size > 0; attempt += 1) {
      // Those that wait hold the process; asking doesn't.
      await pause(backoffMs(attempt, BACKOFF), undefined, { ref: false });
      if (this.#waiting.size > 0 && (await this.#answers())) this.#wake();
    }
    this.#asking = false;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
