import { OUTLIER_WINDOW_MS } from './outlier-window.js';

/** So many breaks of a connection inside the window are too many: a restart is one. */
export const TOO_MANY_BREAKS = 3;

/** When a connection broke of late. */
export class Breaks {
  #at: readonly number[] = [];

  /** Notes one at `now`. Gives whether that is one too many. */
  note(now: number): boolean {
    this.#at = [...this.#at, now].slice(-TOO_MANY_BREAKS);
    const [first = now] = this.#at;
    return this.#at.length === TOO_MANY_BREAKS && now - first <= OUTLIER_WINDOW_MS;
  }

  /** Forgets all of them. */
  clear(): void {
    this.#at = [];
  }
}
