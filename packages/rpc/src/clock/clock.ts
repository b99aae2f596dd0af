/** A pending callback. */
export interface Timer {
  /** Stops it. No effect once it has run. */
  cancel(): void;
}

/** What waits and durations are measured with, so that a test can hold it. */
export interface Clock {
  /**
   * Milliseconds, never going back within a process; fractions are kept. It begins with the wall clock's time, but then
   * runs by itself: it doesn't follow when the machine's clock is set, and stands still while the machine sleeps. What is
   * shown, stored or sent to another process as a time comes from a {@link WallClock}.
   */
  now(): number;
  /**
   * Runs `callback` once, `delayMs` from now, however long that is.
   * A pending timer keeps the process alive unless `keepAlive` is false.
   */
  setTimer(delayMs: number, callback: () => void, options?: { keepAlive?: boolean }): Timer;
}

/**
 * The date and time of day, as the machine shows it, so that a test can set it. It jumps when the machine's clock is set,
 * also back: a duration is measured with a {@link Clock}.
 */
export interface WallClock {
  now(): Date;
}

/** What measures a call's time, and what tells the date of its end. */
export interface Clocks {
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

const LAST_DATE_MS = 8.64e15;

/** The date of a point in time of `clock`, by what is left until then: to the millisecond, and as far as dates reach. */
export function dateOf(point: number, { clock, wallClock }: Clocks): Date {
  const ms = wallClock.now().getTime() + point - clock.now();
  return new Date(Math.min(Math.round(ms), LAST_DATE_MS));
}

/** `clock` for work in the background: its timers keep no process alive. */
export function backgroundClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback, { keepAlive: false }),
  };
}

/** Chance as everything here sees it, so that a test can seed it. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `bytes` random bytes in lower-case hexadecimal; safe as an id, unguessable in production. */
  hex(bytes: number): string;
}

/**
 * Waits `delayMs`, or until `signal` aborts: then it rejects with the signal's reason.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
