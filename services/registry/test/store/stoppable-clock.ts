import type { Timer } from '@rondo/rpc/clock';
import { ManualClock } from '@rondo/rpc/testing';

/** A clock of a process that can be suspended: time passes meanwhile, and due timers run when it resumes. */
export class StoppableClock extends ManualClock {
  #late: Set<() => void> | undefined;

  override setTimer(delayMs: number, callback: () => void): Timer {
    const run = () => {
      if (this.#late === undefined) callback();
      else this.#late.add(run);
    };
    const timer = super.setTimer(delayMs, run);
    return {
      cancel: () => {
        timer.cancel();
        this.#late?.delete(run);
      },
    };
  }

  async stopFor(ms: number): Promise<void> {
    const late = new Set<() => void>();
    this.#late = late;
    await this.advance(ms);
    this.#late = undefined;
    for (const run of late) run();
  }
}
