import type { Random } from './clock.js';

/**
 * How a wait varies below its ceiling, so that clients which failed together don't come back together:
 *
 * - `full`: from 0 to the ceiling. Spreads the load best.
 * - `equal`: from half of the ceiling to the whole: never at once.
 * - `grpc`: the ceiling plus or minus a fifth, as gRPC varies the waits between attempts to connect.
 *
 * Sources: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ for `full` and `equal`,
 * https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md for `grpc`.
 */
export type Jitter = 'full' | 'equal' | 'grpc';

/** How the waits between retries grow. */
export interface BackoffOptions {
  /** The ceiling of the first wait, in milliseconds. It doubles with each further failure. */
  readonly baseMs: number;
  /** The highest ceiling, in milliseconds. */
  readonly maxMs: number;
  readonly random: Random;
  /** `full` by default. */
  readonly jitter?: Jitter;
}

/** Counts failures, and gives the wait after each. */
export interface Backoff {
  /** Counts one more failure and returns the wait before the next attempt, in milliseconds. */
  nextMs(): number;
  /** Forgets the failures, after a success. */
  reset(): void;
}

/** Exponential backoff with jitter: see {@link backoffMs}. */
export function createBackoff(options: BackoffOptions): Backoff {
  let failures = 0;
  return {
    nextMs: () => backoffMs(failures++, options),
    reset() {
      failures = 0;
    },
  };
}

/**
 * The wait before the next attempt, in milliseconds, after `failures` failures in a row before this one. The ceiling is
 * `baseMs` for 0 and doubles with each failure up to `maxMs`; {@link Jitter} says where below it the wait is.
 */
export function backoffMs(failures: number, { baseMs, maxMs, random, jitter = 'full' }: BackoffOptions): number {
  return Math.min(maxMs, baseMs * 2 ** failures) * SHARES[jitter](random.next());
}

/** The share of the ceiling, by a random number from [0, 1). */
const SHARES: Readonly<Record<Jitter, (chance: number) => number>> = {
  full: (chance) => chance,
  equal: (chance) => 0.5 + chance / 2,
  grpc: (chance) => 0.8 + 0.4 * chance,
};
