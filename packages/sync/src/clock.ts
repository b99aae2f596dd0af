/** Time and chance as this package sees them; those of `@rondo/rpc/clock` fit. */
export interface SyncClock {
  /** Milliseconds, never going back. */
  now(): number;
  /** Runs `callback` once, `delayMs` from now, unless it is cancelled before. */
  setTimer(delayMs: number, callback: () => void): { cancel(): void };
}

/** The machine's clock. */
export const systemClock: SyncClock = {
  now: () => performance.now(),
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
