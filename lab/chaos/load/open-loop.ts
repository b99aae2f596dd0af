import { now } from '../time.js';

const TICK_MS = 5;
/** Calls that are later than this are skipped: to make up for them would be a storm of the load's own making. */
const MAX_CATCH_UP_MS = 50;

/** Starts to call at a rate, whether or not earlier calls were answered. */
export function openLoop(callsPerSecond: number, call: () => Promise<void>) {
  const inFlight = new Set<Promise<void>>();
  let lastAt = now();
  let owed = 0;
  let stallMs = 0;
  const timer = setInterval(() => {
    const elapsedMs = now() - lastAt;
    lastAt += elapsedMs;
    stallMs = Math.max(stallMs, elapsedMs - TICK_MS);
    owed += (Math.min(elapsedMs, MAX_CATCH_UP_MS) * callsPerSecond) / 1000;
    for (; owed >= 1; owed -= 1) {
      const done = call().then(() => void inFlight.delete(done));
      inFlight.add(done);
    }
  }, TICK_MS);
  return {
    /** The longest that the process stood still since this was last called, by its own fault or the machine's. Milliseconds. */
    takeStallMs() {
      const longest = stallMs;
      stallMs = 0;
      return longest;
    },
    /** Resolves when the calls in flight have ended. */
    async stop(): Promise<void> {
      clearInterval(timer);
      await Promise.all(inFlight);
    },
  };
}
