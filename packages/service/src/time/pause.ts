import type { Clock, Timer } from '@rondo/rpc/clock';

/** The waits of one loop: each ends in time, or early when somebody has news for the loop. */
export interface Pause {
  /** Waits `delayMs`, or until it is woken; not at all where it was woken since the last wait. */
  wait(delayMs: number): Promise<void>;
  /** Ends the wait that is on, or else the next. */
  wake(): void;
}

/** Makes the waits of one loop. */
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
