/**
 * The only file that uses the ambient clock and random numbers. The linter refuses them elsewhere, so that a simulation
 * can run a whole cluster in one process from a seed.
 */
import { randomFillSync } from 'node:crypto';
import type { Clock, Random, Timer, WallClock } from './clock.js';

/** Node runs a timer with a longer delay at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Read once: reading it costs more than reading the time. */
const ORIGIN = performance.timeOrigin;

/**
 * The machine's monotonic clock. It takes the wall clock's time once, at start, so that setting the machine's clock
 * expires nothing.
 */
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

/** The machine's wall clock. It is correct again as soon as the machine's clock is set or the machine wakes up. */
export const systemWallClock: WallClock = { now: () => new Date() };

const pool = Buffer.alloc(4096);
let used = pool.length;

/** Random numbers of the machine. Ids come from the operating system's generator, 4 KiB at a time. */
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

/** Milliseconds from now until a point of the wall clock, such as a deadline given as a date. */
export function millisecondsUntil(point: Date | number, wallClock: WallClock = systemWallClock): number {
  return Number(point) - wallClock.now().getTime();
}

/**
 * Resolves after the event loop has read what had arrived by now. It doesn't depend on time, so no clock advances it.
 */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** How long this process's event loop has waited for events since it began. Milliseconds. */
export function idleMs(): number {
  return performance.nodeTiming.idleTime;
}
