import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import { addressOf, effectiveStatus } from '@rondo/operate/internal';
import { whyOthers } from '@rondo/operate/page';
import { type Channel, createClient } from '@rondo/rpc/client';
import { canaryPercent, type ServiceView } from '@rondo/rpc/internal';
import { RpcError } from '@rondo/rpc/status';
import type { Asking } from '../deadline.js';
import { askEach, type Check, checkAll } from '../listing/check.js';
import { type Entry, notPicked } from '../listing/entries.js';
import type { Observer } from './observer.js';

/** An instance, and whether and why a client would pick it. */
export type Explained = Awaited<ReturnType<typeof explainAll>>[number];

interface Explaining extends Asking {
  readonly version: string | undefined;
  /** The zone of the client; empty for none. */
  readonly zone: string;
}

/** The number of picks that shares are computed from. */
export const SAMPLE = 1_000;

/** Asks each listed instance of a service for its state and load, and computes its share of picks. */
export async function explainAll(observer: Observer, entries: readonly Entry[], asking: Explaining) {
  const instances = entries.map(({ instance }) => instance);
  // The first pick makes the client connect while the instances are checked.
  const [checks] = await Promise.all([checkAll(instances, asking), isAnyPicked(observer)]);
  const reached = instances.filter(({ instanceId }) => checks.get(instanceId)?.state !== 'unreachable');
  const loads = await askEach(reached, asking, readLoad);
  const shares = await sample(observer);
  const view = observer.view();
  return entries.map((entry) => {
    const { instanceId, zone, version, weight } = entry.instance;
    const check = checks.get(instanceId);
    const share = shares.get(instanceId) ?? 0;
    const why = share > 0 ? oddity(entry.instance, check, asking) : whyNot({ ...entry, check }, view, asking);
    return {
      instanceId,
      address: addressOf(entry.instance),
      zone,
      version,
      weight,
      /** Null if the instance doesn't report its load. */
      load: loads.get(instanceId) ?? null,
      /** Its state for this client: `ready` if it can be picked. */
      state: stateOf(entry, check, view),
      /** Its share of the sampled picks, 0 to 1. */
      share,
      picked: share > 0,
      /** Why it isn't picked, or a remark on an instance that is picked; null if there is none. */
      reason: why ?? null,
    };
  });
}

async function isAnyPicked(observer: Observer): Promise<boolean> {
  try {
    await observer.pick();
    return true;
  } catch (error) {
    if (error instanceof RpcError) return false;
    throw error;
  }
}

/** The shares of picks by instance id, without instances that get none. */
async function sample(observer: Observer): Promise<ReadonlyMap<string, number>> {
  const picks = new Map<string, number>();
  if (!(await isAnyPicked(observer))) return picks;
  for (let left = SAMPLE; left > 0; left -= 1) {
    const { instanceId } = await observer.pick();
    picks.set(instanceId, (picks.get(instanceId) ?? 0) + 1);
  }
  return new Map([...picks].map(([instanceId, count]) => [instanceId, count / SAMPLE]));
}

function stateOf({ instance }: Entry, check: Check | undefined, view: ServiceView): string {
  const standing = effectiveStatus(instance);
  if (standing !== 'SERVING') return standing.toLowerCase();
  if (check !== undefined && check.state !== 'ok' && check.state !== 'unknown') return check.state;
  return view.endpoints.find(({ instanceId }) => instanceId === instance.instanceId)?.state ?? 'unused';
}

/** A remark on a picked instance: a fault that the client hasn't noticed yet, or that it is a canary. */
function oddity(instance: Instance, check: Check | undefined, { version }: Explaining): string | undefined {
  if (check !== undefined && check.state !== 'ok') return `picked, though it ${check.reason}`;
  const percent = version === undefined ? canaryPercent(instance) : undefined;
  return percent === undefined ? undefined : `picked, as a canary for ${percent} % of the calls`;
}

function whyNot(entry: Entry, { endpoints, balancing }: ServiceView, { clock, version, zone }: Explaining): string {
  const said = notPicked(entry, clock.now());
  if (said !== undefined) return said;
  const { check } = entry;
  if (version !== undefined && version !== entry.instance.version) return "its version isn't the one that is asked for";
  const found = endpoints.find(({ instanceId }) => instanceId === entry.instance.instanceId);
  if (found === undefined) {
    return balancing.subsetSize === undefined
      ? 'it offers no address that this client can call'
      : `it isn't in this client's subset of ${balancing.subsetSize}`;
  }
  if (check !== undefined && check.state !== 'ok') return `it ${check.reason}`;
  if (found.held !== undefined) return found.held;
  return whyOthers(balancing.policy, entry.instance.zone, zone) ?? `it got none of ${SAMPLE} picks`;
}

/** The load that an instance reports first by its ORCA service, which sends it at once. */
async function readLoad(channel: Channel, signal: AbortSignal) {
  const reports = createClient(OpenRcaServiceDefinition, { channel }).streamCoreMetrics({}, { signal });
  for await (const { namedMetrics, rpsFractional } of reports) {
    return { callsInFlight: namedMetrics['calls_in_flight'] ?? null, callsPerSecond: rpsFractional };
  }
  return undefined;
}
