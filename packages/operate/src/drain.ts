import type { OrcaLoadReport } from '@rondo/contracts/xds/data/orca/v3/orca_load_report';
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

interface WatchOptions extends DrainOptions {
  /** Aborts when the timeout expires, and with `signal`. */
  readonly over: AbortSignal;
}

async function watchLoad(
  read: () => AsyncIterable<Pick<OrcaLoadReport, 'namedMetrics' | 'rpsFractional'>>,
  options: WatchOptions,
): Promise<Drained> {
  const { clock, over, registered, onLoad } = options;
  let busy: { readonly callsInFlight: number; readonly callsPerSecond: number } | undefined;
  let [begun, quietSince, reason] = [Number.NaN, clock.now(), 'it has not answered'];
  while (!over.aborted) {
    try {
      for await (const { namedMetrics, rpsFractional: callsPerSecond } of read()) {
        const { calls_in_flight: callsInFlight, calls_begun: begunNow = 0 } = namedMetrics;
        if (callsInFlight === undefined) return await waitBlindly(options);
        if (busy?.callsInFlight !== callsInFlight) onLoad(callsInFlight);
        if (begunNow !== begun && !Number.isNaN(begun)) quietSince = clock.now();
        busy = { callsInFlight, callsPerSecond };
        begun = begunNow;
        if (callsInFlight === 0 && clock.now() - quietSince >= QUIET_MS) return { kind: 'idle' };
      }
    } catch (error) {
      if (error instanceof RpcError && error.code === Status.UNIMPLEMENTED) return await waitBlindly(options);
      if (!over.aborted) reason = reasonOf(error);
    }
    // The instance may have got a signal to stop: then it leaves the registry when it has drained.
    if (!over.aborted && !(await registered(over))) return { kind: 'gone' };
    await sleep(clock, RETRY_MS, over).catch(() => undefined);
  }
  return busy === undefined ? { kind: 'unreachable', reason } : { kind: 'busy', ...busy };
}

async function waitBlindly({ clock, over, timeoutMs }: WatchOptions): Promise<Drained> {
  const waitedMs = Math.min(BLIND_WAIT_MS, timeoutMs);
  await sleep(clock, waitedMs, over).catch(() => undefined);
  return { kind: 'untold', waitedMs };
}
