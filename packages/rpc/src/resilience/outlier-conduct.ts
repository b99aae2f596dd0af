import { UsualTime } from './outlier-time.js';
import { OutcomeWindow } from './outlier-window.js';

const ENOUGH_CALLS = 10;

/** How the calls of one target have gone of late. */
export class Conduct {
  readonly window = new OutcomeWindow();
  readonly time = new UsualTime();
  /** The faults since a call was answered. */
  run = 0;
  /** When it last answered. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** How many comparisons in a row found it slow. */
  slowFor = 0;
  #compared = 0;

  /** Notes an answer that says that it works, at `now`. */
  answered(now: number): void {
    this.window.note(false, now);
    this.run = 0;
    this.answeredAt = now;
  }

  /** Notes a fault, at `now`. */
  failed(now: number): void {
    this.window.note(true, now);
    this.run += 1;
  }

  /** Whether enough is known of its time, and of late, to compare it. */
  get comparable(): boolean {
    return this.time.count >= ENOUGH_CALLS && this.window.calls >= ENOUGH_CALLS;
  }

  /** Notes how it compares with its peers; without a call since the last time that is no news. */
  compare(slow: boolean): void {
    if (!slow) this.slowFor = 0;
    else if (this.time.count !== this.#compared) this.slowFor += 1;
    this.#compared = this.time.count;
  }

  /** Begins anew, as it does who takes calls again. */
  clear(): void {
    this.window.clear();
    this.time.clear();
    this.run = 0;
    this.slowFor = 0;
  }
}
