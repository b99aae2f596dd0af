import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Readiness, State } from '../state.js';
import type { Load, LoadMeter } from './meter.js';

/** What load reports are made from. */
export interface LoadReportOptions {
  readonly meter: Pick<LoadMeter, 'read'>;
  readonly readiness: State<Readiness>;
  readonly clock: Clock;
}

/** Whoever asks for a report more often, or less, gets it as often as this. */
const INTERVAL_MS = { min: 100, max: 60_000, default: 10_000 } as const;

/**
 * `xds.service.orca.v3.OpenRcaService`: how much this process has to do, at once and then at the interval asked for,
 * 100 ms to 60 s and 10 s by default. `rps_fractional` is of the last five seconds; `named_metrics` has
 * `calls_in_flight` and `calls_begun`, which counts from the process's start. The reports end where the process drains:
 * what it does then is no measure of anything.
 *
 * Source: gRFC A51, https://github.com/grpc/proposal
 */
export function createLoadReports({ meter, readiness, clock }: LoadReportOptions): ServiceImplementation {
  const draining = new AbortController();
  const look = ({ phase }: Readiness) => {
    if (phase === 'draining') draining.abort();
  };
  readiness.subscribe(look);
  look(readiness.current);
  return implement(OpenRcaServiceDefinition, {
    async *streamCoreMetrics({ reportInterval }, call) {
      const intervalMs = clampMs(reportInterval);
      const over = AbortSignal.any([call.signal, draining.signal]);
      for (;;) {
        yield toReport(meter.read());
        // Who has left, or is told by the end of the stream, waits for nothing more.
        await sleep(clock, intervalMs, over).catch(() => undefined);
        if (over.aborted) return;
      }
    },
  });
}

function toReport({ callsInFlight, callsBegun, callsPerSecond }: Load) {
  const namedMetrics = { calls_in_flight: callsInFlight, calls_begun: callsBegun };
  return { rpsFractional: callsPerSecond, namedMetrics };
}

function clampMs(interval: Duration | undefined): number {
  if (interval === undefined) return INTERVAL_MS.default;
  const ms = Number(interval.seconds) * 1_000 + interval.nanos / 1e6;
  return Math.min(INTERVAL_MS.max, Math.max(INTERVAL_MS.min, ms));
}
