import { CANARY_LABEL, canaryPercent, groupBy } from '@rondo/rpc/internal';
import type { Instance } from '../domain/instance.js';

/** A cluster of xDS: instances of a service among which a client balances calls. */
export interface Cluster {
  readonly name: string;
  /** Its part of the service's calls, of {@link WHOLE}. */
  readonly weight: number;
  readonly instances: readonly Instance[];
}

/** The sum of the weights of a service's clusters. A percentage has up to six decimals. */
export const WHOLE = 100_000_000;
/** Follows the service in the name of a cluster of canaries. */
const CANARY = '|canary=';

/** The service of a cluster, by the cluster's name. */
export const serviceOf = (cluster: string): string => cluster.split(CANARY, 1)[0] ?? '';

/**
 * The clusters of a service: its stable instances, under the service's name, and its canaries by percentage and version, as Rondo's own
 * clients divide calls. If only canaries are left, they share all calls.
 *
 * @param override replaces the percentage of each canary.
 */
export function clustersOf(
  service: string,
  instances: readonly Instance[],
  override: number | undefined,
): readonly Cluster[] {
  const groups = groupBy(takingCalls(instances), (instance) => nameOf(service, instance, override));
  const stable = groups.get(service);
  const canaries = [...groups].flatMap(([name, members]) => {
    const percent = percentOf(members[0], override);
    return percent ? [{ name, percent, instances: members }] : [];
  });
  const sum = canaries.reduce((total, { percent }) => total + percent, 0);
  const whole = stable === undefined ? sum : Math.max(100, sum);
  const weighted = canaries.map(({ name, percent, instances: members }) => {
    return { name, weight: Math.round((percent / whole) * WHOLE), instances: members };
  });
  const rest = WHOLE - weighted.reduce((total, { weight }) => total + weight, 0);
  return stable === undefined
    ? weighted
    : [{ name: service, weight: Math.max(0, rest), instances: stable }, ...weighted];
}

function nameOf(service: string, instance: Instance, override: number | undefined): string {
  const percent = percentOf(instance, override);
  return percent === undefined ? service : `${service}${CANARY}${percent}|${instance.version}`;
}

/** Undefined for an instance that is no canary. */
function percentOf(instance: Instance | undefined, override: number | undefined): number | undefined {
  return instance?.metadata[CANARY_LABEL] === undefined ? undefined : (override ?? canaryPercent(instance));
}

/** The instances that serve. If none does, those that drain: calls reach them until another is ready. */
function takingCalls(instances: readonly Instance[]): readonly Instance[] {
  const open = instances.filter(({ operatorState }) => operatorState !== 'cordoned');
  const serving = open.filter(({ status }) => status === 'serving');
  return serving.length > 0 ? serving : open.filter(({ status }) => status === 'draining');
}
