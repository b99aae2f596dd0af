import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { type Channel, createClient } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { RpcError, Status } from '@rondo/rpc/status';
import { reasonOf } from './errors.js';

/** How a drain ended. */
export type Drained =
  /** The instance has no call in flight and gets no new calls. */
  | { readonly kind: 'idle' }
  /** The instance has left the registry: it stops by itself. */
  | { readonly kind: 'gone' }
  /** The instance doesn't report its load; the drain waited for `waitedMs`. */
  | { readonly kind: 'untold'; readonly waitedMs: number }
  /** The timeout expired, and the instance still has or gets calls. */
  | { readonly kind: 'busy'; readonly callsInFlight: number; readonly callsPerSecond: number }
  /** The timeout expired without a report. */
  | { readonly kind: 'unreachable'; readonly reason: string };

/** What a drain waits for, and with what. */
export interface DrainOptions {
  /** A channel to the instance. */
  readonly channel: Channel;
  readonly timeoutMs: number;
  /** Resolves to whether the instance is still registered. */
  readonly registered: (signal: AbortSignal) => Promise<boolean>;
  readonly onLoad: (callsInFlight: number) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** If no call has begun for this long, all clients know that the instance is cordoned. Milliseconds. */
const QUIET_MS = 2_000;
/** How long to wait for an instance that doesn't report its load. Milliseconds. */
const BLIND_WAIT_MS = 10_000;
const REPORT_MS = 200;
const RETRY_MS = 500;

/**
 * Waits until a cordoned instance has no call in flight, and has got no call for two seconds.
 *
 * @throws the reason of `signal` when it aborts.
 */
export async function awaitIdle(options: DrainOptions): Promise<Drained> {
  const { channel, clock, signal, timeoutMs } = options;
  const late = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => late.abort());
  const over = AbortSignal.any([signal, late.signal]);
  const client = createClient(OpenRcaServiceDefinition, { channel });
  const reportInterval = { seconds: 0n, nanos: REPORT_MS * 1e6 };
  const read = () => client.streamCoreMetrics({ reportInterval }, { signal: over });
  try {
    const drained = await watchLoad(read, { ...options, over });
    signal.throwIfAborted();
    return drained;
  } finally {
    timer.cancel();
  }
}

interface Report {
  readonly rpsFractional: number;
  readonly namedMetrics: Readonly<Record<string, number>>;
}

interface WatchOptions extends DrainOptions {
  /** Aborts when the timeout expires, and with `signal`. */
  readonly over: AbortSignal;
}

async function watchLoad(read: () => AsyncIterable<Report>, options: WatchOptions): Promise<Drained> {
  const { clock, over, registered, onLoad } = options;
  const quiet = new Quiet(clock);
  let reason = 'it told nothing';
  while (!over.aborted) {
    try {
      for await (const report of read()) {
        if (report.namedMetrics['calls_in_flight'] === undefined) return await waitBlindly(options);
        if (quiet.callsInFlight !== report.namedMetrics['calls_in_flight'])
          onLoad(report.namedMetrics['calls_in_flight']);
        if (quiet.take(report)) return { kind: 'idle' };
      }
    } catch (error) {
      if (error instanceof RpcError && error.code === Status.UNIMPLEMENTED) return await waitBlindly(options);
      if (!over.aborted) reason = reasonOf(error);
    }
    // The instance may have been told to stop: then it leaves the registry when it has drained.
    if (!over.aborted && !(await registered(over))) return { kind: 'gone' };
    await sleep(clock, RETRY_MS, over).catch(() => undefined);
  }
  const { callsInFlight, callsPerSecond } = quiet;
  return callsInFlight === undefined
    ? { kind: 'unreachable', reason }
    : { kind: 'busy', callsInFlight, callsPerSecond };
}

/** Tracks since when an instance has got no calls. */
class Quiet {
  readonly #clock: Clock;
  #since: number;
  #begun: number | undefined;
  /** Undefined before the first report. */
  callsInFlight: number | undefined;
  callsPerSecond = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Adds a report. Returns true if no call is in flight and none has begun for {@link QUIET_MS}. */
  take({ namedMetrics, rpsFractional }: Report): boolean {
    const begun = namedMetrics['calls_begun'];
    if (this.#begun !== undefined && begun !== this.#begun) this.#since = this.#clock.now();
    this.#begun = begun;
    this.callsInFlight = namedMetrics['calls_in_flight'];
    this.callsPerSecond = rpsFractional;
    return this.callsInFlight === 0 && this.#clock.now() - this.#since >= QUIET_MS;
  }
}

async function waitBlindly({ clock, over, timeoutMs }: WatchOptions): Promise<Drained> {
  const waitedMs = Math.min(BLIND_WAIT_MS, timeoutMs);
  await sleep(clock, waitedMs, over).catch(() => undefined);
  return { kind: 'untold', waitedMs };
}
