/**
 * The one file that touches ambient time and chance; the linter refuses them elsewhere, so that a whole cluster can
 * run in one process from a seed.
 */
import { randomFillSync } from 'node:crypto';
import type { Clock, Random, Timer, WallClock } from './clock.js';

/** Node takes a longer one for none at all. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Reading it costs more than reading the time. */
const ORIGIN = performance.timeOrigin;

/** The machine's monotonic clock: set once from the wall clock, so that a clock step expires nothing. */
export const systemClock: Clock = {
  now: () => ORIGIN + performance.now(),
  setTimer(delayMs, callback, options = {}) {
    if (delayMs > MAX_DELAY_MS) return setLongTimer(delayMs, callback, options);
    const handle = setTimeout(callback, Math.max(delayMs, 0));
    if (options.keepAlive === false) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

function setLongTimer(delayMs: number, callback: () => void, options: { keepAlive?: boolean }): Timer {
  const goOn = () => {
    timer = systemClock.setTimer(delayMs - MAX_DELAY_MS, callback, options);
  };
  let timer = systemClock.setTimer(MAX_DELAY_MS, goOn, options);
  return { cancel: () => timer.cancel() };
}

/** The machine's wall clock: right again as soon as the machine's clock is set, or the machine wakes up. */
export const systemWallClock: WallClock = { now: () => new Date() };

const pool = Buffer.alloc(4096);
let used = pool.length;

/** The machine's chance: ids come from the operating system's generator, drawn 4 KiB at a time. */
export const systemRandom: Random = {
  next: () => Math.random(),
  hex(bytes) {
    if (used + bytes > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const id = pool.toString('hex', used, used + bytes);
    used += bytes;
    return id;
  },
};

/** Milliseconds from now to a point of the wall clock, such as a deadline that is given as a date. */
export function millisecondsUntil(point: Date | number, wallClock: WallClock = systemWallClock): number {
  return Number(point) - wallClock.now().getTime();
}

/** Resolves once the event loop has read what had arrived by now. That is no matter of time: no clock moves it. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
