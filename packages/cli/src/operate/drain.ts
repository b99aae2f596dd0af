import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { createChannel, createClient } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { staticResolver } from '@rondo/rpc/resolver';
import { RpcError, Status } from '@rondo/rpc/status';
import { reasonOf } from '../errors.js';

/** What came of waiting for an instance. */
export type Drained =
  /** It has no call in flight, and gets none. */
  | { readonly kind: 'idle' }
  /** It has left the registry: it stops by itself. */
  | { readonly kind: 'gone' }
  /** It doesn't tell its load; `waitedMs` went by. */
  | { readonly kind: 'untold'; readonly waitedMs: number }
  /** Time ran out. */
  | { readonly kind: 'busy'; readonly callsInFlight: number; readonly callsPerSecond: number }
  /** Time ran out, and it never told anything. */
  | { readonly kind: 'unreachable'; readonly reason: string };

/** How an instance is waited for. */
export interface DrainOptions {
  readonly address: string;
  readonly timeoutMs: number;
  /** Whether the registry still knows it. */
  readonly registered: (signal: AbortSignal) => Promise<boolean>;
  /** Told when the number of calls in flight changes. */
  readonly onLoad: (callsInFlight: number) => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** No call for so long: whoever watches the registry has heard. Milliseconds. */
const QUIET_MS = 2_000;
/** How long to wait for an instance that doesn't tell its load. Milliseconds. */
const BLIND_WAIT_MS = 10_000;
const REPORT_MS = 200;
const RETRY_MS = 500;

/**
 * Waits until an instance that nobody picks any more has no call in flight, and has got none for two seconds.
 *
 * @throws what `signal` aborts with.
 */
export async function awaitIdle(options: DrainOptions): Promise<Drained> {
  const { clock, signal, timeoutMs, address } = options;
  const late = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => late.abort());
  const channel = createChannel({ resolver: staticResolver([address]), clock });
  try {
    const client = createClient(OpenRcaServiceDefinition, { channel });
    const reportInterval = { seconds: 0n, nanos: REPORT_MS * 1e6 };
    const read = (over: AbortSignal) => client.streamCoreMetrics({ reportInterval }, { signal: over });
    const drained = await watchLoad(read, { ...options, over: AbortSignal.any([signal, late.signal]) });
    signal.throwIfAborted();
    return drained;
  } finally {
    timer.cancel();
    channel.close();
  }
}

interface Report {
  readonly rpsFractional: number;
  readonly namedMetrics: Readonly<Record<string, number>>;
}

interface WatchOptions extends DrainOptions {
  /** Aborts when time is up. */
  readonly over: AbortSignal;
}

async function watchLoad(read: (over: AbortSignal) => AsyncIterable<Report>, options: WatchOptions): Promise<Drained> {
  const { clock, over, registered, onLoad } = options;
  const quiet = new Quiet(clock);
  let reason = 'it told nothing';
  while (!over.aborted) {
    try {
      for await (const report of read(over)) {
        if (report.namedMetrics['calls_in_flight'] === undefined) return await waitBlindly(options);
        if (quiet.callsInFlight !== report.namedMetrics['calls_in_flight'])
          onLoad(report.namedMetrics['calls_in_flight']);
        if (quiet.take(report)) return { kind: 'idle' };
      }
    } catch (error) {
      if (error instanceof RpcError && error.code === Status.UNIMPLEMENTED) return await waitBlindly(options);
      if (!over.aborted) reason = reasonOf(error);
    }
    // It may be stopping, as operators and orchestrators have processes do: then it says goodbye when it is done.
    if (!over.aborted && !(await registered(over))) return { kind: 'gone' };
    await sleep(clock, RETRY_MS, over).catch(() => undefined);
  }
  const { callsInFlight, callsPerSecond } = quiet;
  return callsInFlight === undefined
    ? { kind: 'unreachable', reason }
    : { kind: 'busy', callsInFlight, callsPerSecond };
}

/** Whether an instance has been left alone. */
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

  /** Takes a report in; true once no call is in flight, and for some time none has begun. */
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
