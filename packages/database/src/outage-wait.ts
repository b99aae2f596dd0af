import { setTimeout as pause } from 'node:timers/promises';
import { backoffMs, systemRandom } from '@rondo/base';
import {
  CommitOutcomeUnknown,
  type DatabaseError,
  DatabaseUnavailable,
  KeyInUse,
  LockTimeout,
  TooManyCalls,
} from './errors.js';

/** How a caller waits for an unavailable database, for example during a restart. */
export interface OutageWait {
  /** How long it waits, in milliseconds from the call. */
  readonly timeoutMs: number;
  /** Whether to repeat work that may have taken effect already. Set it only if the work is idempotent. */
  readonly repeatable: boolean;
}

/** The limits of a wait. */
interface OutageWaitOptions {
  readonly outageWait?: OutageWait | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStall?: (() => void) | undefined;
}

/** How many callers may wait at once; further calls fail as they would without `outageWait`. */
const MAX_WAITING = 1_000;
/** A database that answers no statement for this long, and no check within half of it, is frozen or can't be reached. Milliseconds. */
const SILENCE_MS = 500;
/** Longer than calls wait, as the last of those that an outage held up may hold up others. Milliseconds. */
const CATCH_UP_MS = 10_000;
const BACKOFF = { baseMs: 50, maxMs: 250, random: systemRandom };

/** Whether other calls were in the way. If an outage has held them up, it is the cause. */
const isInTheWay = (error: unknown): error is DatabaseError =>
  error instanceof LockTimeout || error instanceof KeyInUse || error instanceof TooManyCalls;

/** Waits for an unavailable database. All waiting callers share one loop of checks. */
export class OutageWaiter {
  readonly #check: () => Promise<void>;
  readonly #waiting = new Set<() => void>();
  #polling = false;
  #probing = false;
  #closed = false;
  #answeredAt = performance.now();
  #heldUpAt = Number.NEGATIVE_INFINITY;

  /** @param check resolves if the database answers. */
  constructor(check: () => Promise<void>) {
    this.#check = check;
  }

  /**
   * Runs `work`, and repeats it when the database is available again, if the error allows that. `work` receives the
   * remaining wait time in milliseconds, which limits its wait for a connection; undefined without `outageWait`.
   */
  async run<T>(
    work: (leftMs: number | undefined) => Promise<T>,
    { outageWait, signal, onStall }: OutageWaitOptions,
  ): Promise<T> {
    const untilMs = performance.now() + (outageWait?.timeoutMs ?? 0);
    for (;;) {
      if (this.heldUp) onStall?.();
      const silence = onStall && setInterval(() => this.#listen(onStall), SILENCE_MS / 2);
      try {
        const result = await work(outageWait && Math.max(1, untilMs - performance.now()));
        this.noteAnswer();
        return result;
      } catch (thrown) {
        const isHeldUp = this.heldUp && isInTheWay(thrown);
        const error = isHeldUp
          ? new DatabaseUnavailable(`PostgreSQL was away, and calls wait since then: ${thrown.message}`, thrown)
          : thrown;
        if (outageWait === undefined || !(error instanceof DatabaseUnavailable)) throw error;
        if (error instanceof CommitOutcomeUnknown && !outageWait.repeatable) throw error;
        if (!isHeldUp) this.#hold(onStall);
        // The work may be repeated, so the error must not report an unknown outcome.
        await this.#untilAvailable(new DatabaseUnavailable(error.message, error.cause), { untilMs, signal });
      } finally {
        clearInterval(silence);
      }
    }
  }

  /** Notes that the database has answered. */
  noteAnswer(): void {
    this.#answeredAt = performance.now();
  }

  /** Whether calls have waited for the database, and may still be catching up. */
  get heldUp(): boolean {
    return performance.now() - this.#heldUpAt < CATCH_UP_MS;
  }

  /** Finds out whether a call waits for a database that is silent. The process's own slow statements are no silence. */
  #listen(onStall: () => void): void {
    const silentMs = performance.now() - this.#answeredAt;
    if (silentMs >= SILENCE_MS && this.#probing) this.#hold(onStall);
    if (silentMs < SILENCE_MS / 2 || this.#probing) return;
    this.#probing = true;
    // If it fails, so do the calls.
    this.#check()
      .then(
        () => this.noteAnswer(),
        () => undefined,
      )
      .finally(() => (this.#probing = false));
  }

  #hold(onStall: (() => void) | undefined): void {
    this.#heldUpAt = performance.now();
    onStall?.();
  }

  /** Ends all waits. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /**
   * Resolves once the database answers.
   *
   * @throws `error` after the time limit; the signal's reason.
   */
  #untilAvailable(
    error: DatabaseUnavailable,
    { untilMs, signal }: { untilMs: number; signal: AbortSignal | undefined },
  ) {
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
      void this.#poll();
    });
  }

  /** Checks the database with growing pauses for as long as a caller waits. */
  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    for (let attempt = 1; this.#waiting.size > 0; attempt += 1) {
      // The waiting callers keep the process alive; this timer doesn't.
      await pause(backoffMs(attempt - 1, BACKOFF), undefined, { ref: false });
      const wake = () => this.#wake();
      // If it fails, the waiting callers get their own errors.
      if (this.#waiting.size > 0) await this.#check().then(wake, () => undefined);
    }
    this.#polling = false;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
