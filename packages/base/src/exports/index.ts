/** The ground of all packages: time and chance as parameters, waits, bounds, and rounds of work. It imports nothing of Rondo. */

export { type Backoff, backoffMs, createBackoff } from '../backoff.js';
export {
  backgroundClock,
  type Clock,
  type Clocks,
  dateOf,
  foregroundClock,
  type Random,
  sleep,
  type Timer,
  type WallClock,
} from '../clock.js';
export { hostUrls } from '../host-urls.js';
export type { KeyedCall, Once, Outcome, Settle, StoredOutcome } from '../keyed-call.js';
export { createPruning } from '../pruning.js';
export { createSemaphore, FairQueue } from '../semaphore.js';
export { type Share, Shares } from '../shares.js';
export { createSweep } from '../sweep.js';
export { idleMs, millisecondsUntil, systemClock, systemRandom, systemWallClock, yieldToEventLoop } from '../system.js';
export { withTimeout } from '../time.js';
export { TokenBucket } from '../token-bucket.js';
