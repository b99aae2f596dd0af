import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { createChannel, createClient } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { RpcError } from '@rondo/rpc/status';
import { forEachOf } from '../concurrency.js';
import type { Asking } from '../listing/index.js';
import { addressOf } from '../registry/index.js';

/** What an instance says it has to do. */
export interface ReportedLoad {
  readonly callsInFlight: number | null;
  readonly callsPerSecond: number;
}

const TIMEOUT_MS = 1_000;
/** So many are asked at a time. */
const CONCURRENCY = 32;

/** Asks each instance what it has to do. By instance id; those that tell nothing are missing. */
export async function askLoads(
  instances: readonly Instance[],
  asking: Asking,
): Promise<ReadonlyMap<string, ReportedLoad>> {
  const found = new Map<string, ReportedLoad>();
  await forEachOf(instances, CONCURRENCY, async (instance) => {
    const load = await askLoad(addressOf(instance), asking);
    if (load !== undefined) found.set(instance.instanceId, load);
  });
  return found;
}

/** The first report of its ORCA service, which comes at once. */
async function askLoad(address: string, { clock, signal }: Asking): Promise<ReportedLoad | undefined> {
  const channel = createChannel({ resolver: staticResolver([address]), clock });
  try {
    const reports = createClient(OpenRcaServiceDefinition, { channel }).streamCoreMetrics(
      {},
      { signal, timeoutMs: TIMEOUT_MS },
    );
    for await (const { namedMetrics, rpsFractional } of reports) {
      return { callsInFlight: namedMetrics['calls_in_flight'] ?? null, callsPerSecond: rpsFractional };
    }
    return undefined;
  } catch (error) {
    // Whoever doesn't speak it, or can't be reached, tells nothing: why stands elsewhere.
    if (error instanceof RpcError) return undefined;
    throw error;
  } finally {
    channel.close();
  }
}
