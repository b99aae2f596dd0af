import { nearest } from './nearest.js';

/** The policies by which calls are shared out. */
export const POLICIES = [
  'round_robin',
  'random',
  'weighted_round_robin',
  'least_request',
  'ring_hash',
  'zone_aware',
] as const;

/** One of {@link POLICIES}. */
export type PolicyName = (typeof POLICIES)[number];

/** How the calls of a service are shared out among its instances. */
export interface Balancing {
  readonly policy: PolicyName;
  /** What an instance's weight is: the one that it registered with, or the load that it reports. */
  readonly weights: 'static' | 'load';
  /** How long a newcomer's share grows; 0 for a whole share at once. Milliseconds. */
  readonly slowStartMs: number;
  /** How many instances are called where there are more; undefined for all. */
  readonly subsetSize: number | undefined;
}

/** How calls are shared out where nobody said. */
export const DEFAULT_BALANCING: Balancing = {
  policy: 'round_robin',
  weights: 'static',
  slowStartMs: 10_000,
  subsetSize: undefined,
};

const MAX_SLOW_START_MS = 60 * 60 * 1000;
const MAX_SUBSET_SIZE = 10_000;

/** Whether a share may grow for that long: up to 1 h. */
export function isSlowStart(slowStartMs: number): boolean {
  return slowStartMs >= 0 && slowStartMs <= MAX_SLOW_START_MS;
}

/** Whether a client may call so many: 1 to 10,000. */
export function isSubsetSize(size: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= MAX_SUBSET_SIZE;
}

/** What is wrong with `balancing`, as it stands behind its name in a sentence; undefined where nothing is. */
export function checkBalancing({ policy, weights, slowStartMs, subsetSize }: Balancing): string | undefined {
  if (!POLICIES.includes(policy)) return unknownPolicy(policy);
  if (!isSlowStart(slowStartMs)) return `a slow start of ${slowStartMs} ms is not from 0 s to 1 h`;
  if (subsetSize !== undefined && !isSubsetSize(subsetSize)) {
    return `a subset of ${subsetSize} is not a whole number from 1 to 10,000`;
  }
  if (weights === 'load' && policy !== 'weighted_round_robin') {
    return `${policy} doesn't weigh by load, which is for weighted_round_robin`;
  }
  if (policy === 'ring_hash' && subsetSize !== undefined) {
    return (
      'ring_hash takes no subset, as all clients have to call the same instances: ' +
      `leave the subset of ${subsetSize} out, or choose another policy`
    );
  }
  return undefined;
}

/** What to say of a policy that there isn't. */
export function unknownPolicy(name: string): string {
  const meant = nearest(name, POLICIES);
  const hint = meant === undefined ? '' : `is ${meant} meant? `;
  return `there is no policy "${name}": ${hint}there are ${POLICIES.join(', ')}`;
}
