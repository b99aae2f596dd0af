import { type Logger, runOutsideScope } from '@rondo/rpc/call';
import type { Clock, Timer } from '@rondo/rpc/clock';

/** What is looked after now and then. */
export interface SweepOptions {
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Stands in a sentence of the log. */
  readonly name: string;
  /** One round; true where there may be more to do at once. */
  readonly round: (signal: AbortSignal) => Promise<boolean>;
}

/** Rounds, one at a time. */
export interface Sweep {
  /** Begins; the first round is at once. No effect once it has begun or is closed. */
  start(): void;
  /** Has a round now, after the one under way. */
  nudge(): void;
  /** No more rounds; waits for the one under way, which is told. */
  close(): Promise<void>;
}

/** Makes a sweep. A round that fails is logged, once for each time that it begins to fail, and the next is tried all the same. */
export function createSweep({ intervalMs, clock, log, name, round }: SweepOptions): Sweep {
  const closing = new AbortController();
  let timer: Timer | undefined;
  let under: Promise<void> | undefined;
  let again = false;
  let started = false;
  let failing = false;

  async function once(): Promise<boolean> {
    try {
      const more = await round(closing.signal);
      failing = false;
      return more;
    } catch (err) {
      if (!failing && !closing.signal.aborted) log.warn({ err }, `${name}: a round failed; it is tried again`);
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
    under = runOutsideScope(work).finally(() => {
      under = undefined;
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
      if (under === undefined) begin();
      else again = true;
    },
    async close() {
      closing.abort(new Error(`${name} was closed`));
      timer?.cancel();
      await under;
    },
  };
}
