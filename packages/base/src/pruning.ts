import type { Clock, Random, Timer } from './clock.js';
import { systemClock, systemRandom } from './system.js';

/** Options of {@link createPruning}. */
export interface PruningOptions {
  /** Receives the error of a round that couldn't remove old rows. The next round removes them. */
  readonly onError?: ((error: unknown) => void) | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
}

const EVERY_MS = 600_000;

/**
 * Calls `prune` about every ten minutes, each time after another pause, so that replicas don't meet. `close` stops the rounds, and waits
 * for the present one.
 */
export function createPruning(
  prune: (signal: AbortSignal) => Promise<void>,
  { onError, clock = systemClock, random = systemRandom }: PruningOptions = {},
): { close(): Promise<void> } {
  const ending = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let timer: Timer | undefined;
  const round = (): void => {
    running = prune(ending.signal)
      .catch((error: unknown) => (ending.signal.aborted ? undefined : onError?.(error)))
      .then(() => (ending.signal.aborted ? undefined : wait()));
  };
  const wait = (): void => {
    timer = clock.setTimer(EVERY_MS * (0.5 + random.next()), round, { keepAlive: false });
  };
  wait();
  return {
    async close() {
      ending.abort();
      timer?.cancel();
      await running;
    },
  };
}
