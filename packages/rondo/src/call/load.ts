import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Clock, sleep, type Timer } from '@rondo/rpc/clock';
import { type CallResult, Tally } from './tally.js';

/** A load: how many calls to make, how fast and for how long. */
export interface Load {
  /** The number of calls; undefined for no limit. */
  readonly count: number | undefined;
  /** How long calls are started; undefined for no limit. Milliseconds. */
  readonly durationMs: number | undefined;
  /** Calls started a second, whether or not earlier ones have ended (open loop); undefined: each starts when one ends. */
  readonly rate: number | undefined;
  readonly concurrency: number;
}

/** A load, and what it runs with. */
export interface LoadOptions extends Load {
  /** Makes one call. It never rejects; it resolves to undefined if the signal has cancelled the call. */
  readonly call: (signal: AbortSignal) => Promise<CallResult | undefined>;
  /** Is called once a second with the result so far. */
  readonly onProgress?: (progress: Omit<LoadResult, 'notBegun'>) => void;
  readonly clock: Clock;
  /** Ends the load: no more calls start, and calls in flight have {@link GRACE_MS} to end. */
  readonly signal: AbortSignal;
}

/** The result of a load. */
export interface LoadResult {
  readonly tally: Tally;
  readonly elapsedMs: number;
  /** The calls that were due by the rate and never started, as too many were in flight. */
  readonly notBegun: number;
}

/** How long calls in flight may still take when the load ends. Milliseconds. */
const GRACE_MS = 2_000;
const PROGRESS_MS = 1_000;
/** The most calls that end before the event loop turns. */
const CALLS_A_TURN = 100;

/**
 * Makes many calls. With a rate, each call is due at a fixed time, and its latency counts from that time. So a server that
 * stalls can't hide the calls that it delayed (coordinated omission). Late calls start as soon as others end.
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const { count, durationMs, rate, concurrency, call, onProgress, clock, signal } = options;
  const tally = new Tally();
  const startedAt = clock.now();
  const endsAt = durationMs === undefined ? Number.POSITIVE_INFINITY : startedAt + durationMs;
  let begun = 0;
  const over = () => signal.aborted || (count !== undefined && begun >= count) || clock.now() >= endsAt;
  const cutOff = new AbortController();
  setMaxListeners(0, signal, cutOff.signal); // each call in flight listens
  const grace = graceAfter(signal, clock, () => cutOff.abort());
  const takeTurn = turns();
  const progress = repeat(clock, () => onProgress?.({ tally, elapsedMs: clock.now() - startedAt }));

  async function work(): Promise<void> {
    while (!over()) {
      const dueAt = rate === undefined ? clock.now() : startedAt + (begun * 1_000) / rate;
      if (dueAt >= endsAt) return;
      begun += 1;
      if (!(await until(dueAt, clock, signal))) {
        begun -= 1;
        return;
      }
      const outcome = await call(cutOff.signal);
      if (outcome !== undefined) tally.add(outcome, clock.now() - dueAt);
      await takeTurn();
    }
  }

  const workers = Math.min(concurrency, count ?? concurrency);
  await Promise.all(Array.from({ length: workers }, work));
  grace.release();
  progress.cancel();
  const elapsedMs = clock.now() - startedAt;
  return { tally, elapsedMs, notBegun: notBegun(options, begun, Math.min(elapsedMs, durationMs ?? elapsedMs)) };
}

/** Waits until `timeMs`; false if the load ends before. */
async function until(timeMs: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  if (timeMs <= clock.now()) return true;
  try {
    await sleep(clock, timeMs - clock.now(), signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/**
 * Returns a function that runs after each call, and waits for the event loop to turn after {@link CALLS_A_TURN}. Calls that
 * fail at once don't let it turn: without this, neither Ctrl-C nor a new connection would get through.
 */
function turns(): () => Promise<void> | undefined {
  let ended = 0;
  let turn: Promise<void> | undefined;
  return () => {
    ended += 1;
    turn ??= nextTurn().then(() => {
      ended = 0;
      turn = undefined;
    });
    return ended < CALLS_A_TURN ? undefined : turn;
  };
}

function repeat(clock: Clock, work: () => void): Timer {
  const next = () => clock.setTimer(PROGRESS_MS, turn);
  const turn = () => {
    work();
    timer = next();
  };
  let timer = next();
  return { cancel: () => timer.cancel() };
}

function graceAfter(signal: AbortSignal, clock: Clock, callback: () => void): { release(): void } {
  let cancel = () => {};
  const onAbort = () => {
    const timer = clock.setTimer(GRACE_MS, callback);
    cancel = () => timer.cancel();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    release() {
      signal.removeEventListener('abort', onAbort);
      cancel();
    },
  };
}

function notBegun({ rate, count }: Load, begun: number, elapsedMs: number): number {
  if (rate === undefined || (count !== undefined && begun >= count)) return 0;
  const due = Math.floor((elapsedMs * rate) / 1_000);
  return Math.max(0, Math.min(due, count ?? due) - begun);
}
