import type { FleetLoad } from '@rondo/contracts/rondo/gateway/v1/console';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import type { Logger } from '@rondo/rpc/call';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import { type Clock, sleep } from '@rondo/rpc/clock';

const REPORT_MS = 2_000;
/** How long an instance that can't be asked is left alone. Milliseconds. */
const RETRY_MS = 5_000;

/** A question for load, and what hears the answers. */
export interface Question {
  readonly log: Logger;
  readonly channel: Channel;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onLoad: (load: FleetLoad | undefined) => void;
}

/** Asks an instance for reports of its load until `signal` aborts. One that can't be asked is asked again later. */
export async function askForLoad(endpoint: Endpoint, { channel, clock, log, signal, onLoad }: Question): Promise<void> {
  const direct = channel.direct([endpoint]);
  const client = createClient(OpenRcaServiceDefinition, { channel: direct });
  const reportInterval = { seconds: BigInt(REPORT_MS / 1_000), nanos: 0 };
  try {
    while (!signal.aborted) {
      try {
        for await (const report of client.streamCoreMetrics({ reportInterval }, { signal })) {
          onLoad({
            callsPerSecond: report.rpsFractional,
            errorsPerSecond: report.eps,
            callsInFlight: report.namedMetrics['calls_in_flight'] ?? 0,
            cpuUtilization: report.cpuUtilization,
          });
        }
      } catch (fault) {
        if (!signal.aborted)
          log.debug({ err: fault, instance: endpoint.instanceId }, 'an instance does not tell its load');
      }
      onLoad(undefined);
      await sleep(clock, RETRY_MS, signal).catch(() => undefined);
    }
  } finally {
    direct.close();
  }
}
