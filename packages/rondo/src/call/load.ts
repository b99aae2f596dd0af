import { setMaxListeners } from 'node:events';
import { createHistogram } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createSemaphore } from '@rondo/rpc/clock';
import { type Asking, pause } from '../deadline.js';
import { type CallResult, Tally } from './tally.js';

/** A load: how many calls to make, how fast and for how long. */
export interface Load {
  /** The number of calls; undefined for no limit. */
  readonly count: number | undefined;
  /** How long calls are started; undefined for no limit. Milliseconds. */
  readonly durationMs: number | undefined;
  /** How many calls start in a second, whether or not earlier calls have ended (open loop). Undefined: a call starts when one ends. */
  readonly rate: number | undefined;
  readonly concurrency: number;
}

export interface LoadOptions extends Load, Asking {
  /** Makes one call. It resolves to undefined if the signal has cancelled the call. */
  readonly call: (signal: AbortSignal) => Promise<CallResult | undefined>;
  readonly onProgress?: (progress: { readonly tally: Tally; readonly elapsedMs: number }) => void;
  /** Ends the load: no more calls start, and calls in flight have {@link GRACE_MS} to end. */
  readonly signal: AbortSignal;
}

export type LoadResult = Awaited<ReturnType<typeof runLoad>>;

/** How long calls in flight may still take when the load ends. Milliseconds. */
const GRACE_MS = 2_000;
const PROGRESS_MS = 1_000;
/** After so many calls the event loop turns. */
const CALLS_A_TURN = 100;

/**
 * Makes many calls. With a rate, each call is due at a fixed time, and its latency counts from that time. So a server that
 * stalls can't hide the calls that it delayed (coordinated omission). Late calls start as soon as others end.
 */
export async function runLoad(options: LoadOptions) {
  const { count, durationMs, rate, concurrency, call, onProgress, clock, signal } = options;
  const tally = new Tally();
  const startedAt = clock.now();
  const endsAt = durationMs === undefined ? Number.POSITIVE_INFINITY : startedAt + durationMs;
  let begun = 0;
  let fault: { readonly error: unknown } | undefined;
  const over = () =>
    fault !== undefined || signal.aborted || (count !== undefined && begun >= count) || clock.now() >= endsAt;
  const cutOff = new AbortController();
  setMaxListeners(0, signal, cutOff.signal); // each call in flight listens
  const ended = new AbortController();
  const waiting = { clock, signal: ended.signal };
  const endAfterGrace = async () => (await pause(GRACE_MS, waiting)) && cutOff.abort();
  signal.addEventListener('abort', endAfterGrace, { signal: ended.signal });
  const report = async () => {
    while (await pause(PROGRESS_MS, waiting)) onProgress?.({ tally, elapsedMs: clock.now() - startedAt });
  };
  void report();
  const slots = createSemaphore(concurrency);
  const inFlight = new Set<Promise<void>>();
  const lateness = createHistogram();

  async function make(dueAt: number): Promise<void> {
    const outcome = await call(cutOff.signal);
    if (outcome !== undefined) tally.add(outcome, clock.now() - dueAt);
  }

  while (!over()) {
    const dueAt = rate === undefined ? undefined : startedAt + (begun * 1_000) / rate;
    if (dueAt !== undefined && (dueAt >= endsAt || !(await until(dueAt, options)))) break;
    const release = await slots.acquire();
    if (over()) break;
    begun += 1;
    lateness.record(Math.max(1, Math.round((clock.now() - (dueAt ?? clock.now())) * 1_000)));
    const made = make(dueAt ?? clock.now())
      .catch((error: unknown) => {
        fault ??= { error };
      })
      .finally(() => {
        inFlight.delete(made);
        release();
      });
    inFlight.add(made);
    // Calls that fail at once don't let the event loop turn: neither Ctrl-C nor a new connection would get through.
    if (begun % CALLS_A_TURN === 0) await nextTurn();
  }
  await Promise.all(inFlight);
  ended.abort();
  if (fault !== undefined) throw fault.error;
  const elapsedMs = clock.now() - startedAt;
  return {
    tally,
    elapsedMs,
    /** The calls that were due by the rate and never started, as too many were in flight. */
    notBegun: notBegun(options, begun, Math.min(elapsedMs, durationMs ?? elapsedMs)),
    /** How late calls were started, at the 99th percentile: by this process, or as too many were in flight. Milliseconds. */
    lateP99Ms: lateness.percentile(99) / 1_000,
  };
}

/** Waits until `timeMs`; false if the load ends before. */
const until = async (timeMs: number, asking: Asking): Promise<boolean> =>
  timeMs <= asking.clock.now() || (await pause(timeMs - asking.clock.now(), asking));

function notBegun({ rate, count }: Load, begun: number, elapsedMs: number): number {
  if (rate === undefined || (count !== undefined && begun >= count)) return 0;
  const due = Math.floor((elapsedMs * rate) / 1_000);
  return Math.max(0, Math.min(due, count ?? due) - begun);
}
