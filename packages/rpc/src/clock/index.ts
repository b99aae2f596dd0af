export { type Backoff, type BackoffOptions, backoffMs, createBackoff, type Jitter } from './backoff.js';
export {
  backgroundClock,
  type Clock,
  type Clocks,
  dateOf,
  type Random,
  sleep,
  type Timer,
  type WallClock,
} from './clock.js';
export { createSemaphore, type Semaphore } from './semaphore.js';
export { millisecondsUntil, nextTurn, systemClock, systemRandom, systemWallClock } from './system.js';
