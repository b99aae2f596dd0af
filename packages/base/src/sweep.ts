import { AsyncResource } from 'node:async_hooks';
import type { Clock, Timer } from './clock.js';

export interface SweepOptions {
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  /** Names the work in log lines. */
  readonly name: string;
  /** One round; resolves to true if there may be more work at once. */
  readonly round: (signal: AbortSignal) => Promise<boolean>;
}

/** Rounds of work, one at a time. */
export interface Sweep {
  /** Starts with a round at once. It does nothing if the sweep has started or is closed. */
  start(): void;
  /** Runs a round now, or after the current one. */
  nudge(): void;
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
  let current: Promise<void> | undefined;
  let again = false;
  let started = false;
  let failing = false;

  async function once(): Promise<boolean> {
    try {
      const more = await round(closing.signal);
      failing = false;
      return more;
    } catch (err) {
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
    timer = undefined;
    current = context.runInAsyncScope(work).finally(() => {
      current = undefined;
      if (!closing.signal.aborted) timer = clock.setTimer(intervalMs, begin, { keepAlive: false });
    });
  }
  return {
    start() {
      if (started || closing.signal.aborted) return;
      started = true;
      begin();
    },
    nudge() {
      if (!started || closing.signal.aborted) return;
      if (current === undefined) begin();
      else again = true;
    },
    async close() {
      closing.abort(new Error(`${name} was closed`));
      timer?.cancel();
      await current;
    },
  };
}
