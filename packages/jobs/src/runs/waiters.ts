import { type Clock, sleep } from '@rondo/base';
import type { Queries } from '@rondo/database';
import { endedRuns } from './rows.js';

/** How often the database is asked whether runs have ended that calls wait for: one statement for all of them. */
const LOOK_MS = 500;

/** Waits for the ends of runs, which other processes may bring about. A wait holds no connection. */
export class RunWaiters {
  readonly #database: Queries;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<() => void>>();
  #looking = false;

  constructor(database: Queries, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Resolves once the run has ended, after `ms`, or when the signal aborts. */
  async wait(id: string, { ms, signal }: { readonly ms: number; readonly signal: AbortSignal }): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    const ends = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, ends.add(end));
    void this.#look();
    try {
      await sleep(this.#clock, ms, AbortSignal.any([signal, over.signal]));
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      ends.delete(end);
      if (ends.size === 0) this.#waiting.delete(id);
    }
  }

  /** A run of this process has ended. */
  ended(id: string): void {
    for (const end of this.#waiting.get(id) ?? []) end();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    while (this.#waiting.size > 0) {
      await endedRuns(this.#database, [...this.#waiting.keys()]).then(
        (ids) => {
          for (const id of ids) this.ended(id);
        },
        () => undefined, // the database is away: the next look asks again
      );
      if (this.#waiting.size > 0) await sleep(this.#clock, LOOK_MS);
    }
    this.#looking = false;
  }
}
