import { AsyncResource } from 'node:async_hooks';
import type { Clock, Timer } from './clock.js';

export interface SweepOptions {
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  /** Names the work in log lines. */
  readonly name: string;
  /** One round; resolves to true if there may be more work at once, or to the wait until the next one, if it isn't the interval. */
  readonly round: (signal: AbortSignal) => Promise<boolean | number>;
}

/** Rounds of work, one at a time. */
export interface Sweep {
  /** Starts with a round at once. It does nothing if the sweep has started or is closed. */
  start(): void;
  /** Runs a round now, or after the current one; with a delay at the latest so many milliseconds from now. */
  nudge(delayMs?: number): void;
  /** Stops the rounds, aborts the current one, and waits for it. */
  close(): Promise<void>;
}

/**
 * Creates a sweep. Its rounds run in the asynchronous context of its creation, and so outside of the call or trace that starts or
 * nudges it. The first of several failed rounds in a row is logged, and the next round always runs.
 */
export function createSweep({ intervalMs, clock, log, name, round }: SweepOptions): Sweep {
  const context = new AsyncResource(name);
  const closing = new AbortController();
  let timer: Timer | undefined;
  let dueAt = Infinity;
  let waitMs = intervalMs;
  let current: Promise<void> | undefined;
  let again = false;
  let started = false;
  let failing = false;

  async function once(): Promise<boolean> {
    try {
      const next = await round(closing.signal);
      waitMs = typeof next === 'number' ? next : intervalMs;
      failing = false;
      return next === true;
    } catch (err) {
      waitMs = intervalMs;
      if (!failing && !closing.signal.aborted) log.warn({ err }, `${name}: a round failed; it is retried`);
      failing = true;
      return false;
    }
  }
  async function work(): Promise<void> {
    do {
      again = false;
      if (await once()) again = true;
    } while (again && !closing.signal.aborted);
  }
  function begin(): void {
    timer?.cancel();
    dueAt = Infinity;
    current = context.runInAsyncScope(work).finally(() => {
      current = undefined;
      if (!closing.signal.aborted) beginWithin(waitMs);
    });
  }
  function nudge(): void {
    if (current === undefined) begin();
    else again = true;
  }
  function beginWithin(delayMs: number): void {
    const at = clock.now() + delayMs;
    if (at >= dueAt) return;
    timer?.cancel();
    dueAt = at;
    const next = () => {
      dueAt = Infinity;
      nudge();
    };
    timer = clock.setTimer(delayMs, next, { keepAlive: false });
  }
  return {
    start() {
      if (started || closing.signal.aborted) return;
      started = true;
      begin();
    },
    nudge(delayMs = 0) {
      if (!started || closing.signal.aborted) return;
      if (delayMs > 0) beginWithin(delayMs);
      else nudge();
    },
    async close() {
      closing.abort(new Error(`${name} was closed`));
      timer?.cancel();
      await current;
    },
  };
}
