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
export { millisecondsUntil, nextTurn, systemClock, systemRandom, systemWallClock } from './system.js';
