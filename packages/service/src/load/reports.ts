import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { type Clock, sleep } from '@rondo/rpc/clock';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import type { Readiness, State } from '../state.js';
import type { Load, LoadMeter } from './meter.js';

/** The source of the load reports. */
export interface LoadReportOptions {
  readonly meter: Pick<LoadMeter, 'read'>;
  readonly readiness: State<Readiness>;
  readonly clock: Clock;
}

/** Bounds and default of the report interval. */
const INTERVAL_MS = { min: 100, max: 60_000, default: 10_000 } as const;

/**
 * Creates `xds.service.orca.v3.OpenRcaService`: a stream of load reports, the first at once and then one per requested interval
 * (100 ms to 60 s, 10 s by default). `rps_fractional` cendeds the last five seconds. `named_metrics` has `calls_in_flight`, and
 * `calls_begun` since the process's start. The stream ends when the process drains, because its load means nothing then.
 *
 * Source: gRFC A51, https://github.com/grpc/proposal
 */
export function createLoadReports({ meter, readiness, clock }: LoadReportOptions): ServiceImplementation {
  const draining = new AbortController();
  const onReadiness = ({ phase }: Readiness) => {
    if (phase === 'draining') draining.abort();
  };
  readiness.subscribe(onReadiness);
  onReadiness(readiness.current);
  return implement(OpenRcaServiceDefinition, {
    async *streamCoreMetrics({ reportInterval }, call) {
      const intervalMs = clampMs(reportInterval);
      const ended = AbortSignal.any([call.signal, draining.signal]);
      for (;;) {
        yield toReport(meter.read());
        // An abort ends the wait; the check below ends the stream.
        await sleep(clock, intervalMs, ended).catch(() => undefined);
        if (ended.aborted) return;
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
