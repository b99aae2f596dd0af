import type { Clock, Timer } from '@rondo/base';

/** A sleep for one loop that another part of the process can interrupt. */
export interface Pause {
  /** Sleeps for `delayMs`, or until `wake` is called. Returns at once if `wake` was called since the last wait. */
  wait(delayMs: number): Promise<void>;
  /** Ends the current wait; without a current wait, the next one. */
  wake(): void;
}

/** Creates a pause. */
export function createPause(clock: Clock): Pause {
  let woken = false;
  let end: (() => void) | undefined;
  return {
    wait: (delayMs) =>
      new Promise<void>((resolve) => {
        let timer: Timer | undefined;
        end = () => {
          woken = false;
          end = undefined;
          timer?.cancel();
          resolve();
        };
        if (woken) end();
        else timer = clock.setTimer(delayMs, end);
      }),
    wake() {
      woken = true;
      end?.();
    },
  };
}
