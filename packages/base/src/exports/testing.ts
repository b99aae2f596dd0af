/** Clocks and chance that a test controls. */

export { ManualClock, SettableWallClock, TimerQueue } from '../testing/manual-clock.js';
export { seededRandom } from '../testing/seeded-random.js';
