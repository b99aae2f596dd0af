export { backgroundClock, type Clock, type Random, sleep, type Timer } from './clock.js';
export { millisecondsUntil, nextTurn, systemClock, systemRandom } from './system.js';
