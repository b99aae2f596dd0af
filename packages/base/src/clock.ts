/** A pending callback. */
export interface Timer {
  /** Cancels the timer. No effect once the callback has run. */
  cancel(): void;
}

/** A monotonic clock for waits and durations. A test can pass one that it controls. */
export interface Clock {
  /**
   * Milliseconds with fractions; it never goes back within a process. It starts at the wall clock's time and then
   * runs by itself: setting the machine's clock doesn't change it, and it stands still while the machine sleeps.
   * For a time that is shown, stored or sent to another process, use a {@link WallClock}.
   */
  now(): number;
  /**
   * Runs `callback` once, `delayMs` from now; any delay is allowed. A pending timer keeps the process alive unless
   * `keepAlive` is false.
   */
  setTimer(delayMs: number, callback: () => void, options?: { keepAlive?: boolean }): Timer;
}

/**
 * The date and time of day as the machine shows it. It jumps, forward or back, when the machine's clock is set, so
 * measure durations with a {@link Clock}. A test can pass one that it sets.
 */
export interface WallClock {
  now(): Date;
}

/** The two clocks of a call: one measures its time, the other tells the date of its deadline. */
export interface Clocks {
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

const LAST_DATE_MS = 8.64e15;

/**
 * The date of a point in time of `clock`, from the time left until then. It is rounded to the millisecond and capped at
 * the last date that JavaScript has.
 */
export function dateOf(point: number, { clock, wallClock }: Clocks): Date {
  const ms = wallClock.now().getTime() + point - clock.now();
  return new Date(Math.min(Math.round(ms), LAST_DATE_MS));
}

const backgroundClocks = new WeakMap<Clock, Clock>();
const foregroundClocks = new WeakMap<Clock, Clock>();

/** `clock` for background work: its timers don't keep the process alive. There is one for each clock. */
export function backgroundClock(clock: Clock): Clock {
  if (foregroundClocks.has(clock)) return clock;
  const background = backgroundClocks.get(clock) ?? {
    now: () => clock.now(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback, { keepAlive: false }),
  };
  backgroundClocks.set(clock, background);
  foregroundClocks.set(background, clock);
  return background;
}

/** The clock that a background clock was made from; any other clock itself. */
export const foregroundClock = (clock: Clock): Clock => foregroundClocks.get(clock) ?? clock;

/** Random numbers. A test can pass a seeded generator. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /**
   * `bytes` random bytes in lower-case hexadecimal. In production they come from the operating system and can't be
   * guessed.
   */
  hex(bytes: number): string;
}

/** Resolves after `delayMs`. Rejects with the signal's reason if `signal` aborts first. */
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
