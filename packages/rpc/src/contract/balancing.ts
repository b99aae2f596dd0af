import type { Balancing as BalancingOption, BalancingPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { toMs } from './duration.js';
import { nearest } from './nearest.js';

/** The name of a balancing policy: that of the contract's enum without its prefix, in lower case. */
export type PolicyName = Lowercase<NameOf<keyof typeof BalancingPolicy>>;

type NameOf<Option> = Option extends `BALANCING_POLICY_${infer Name}` ? Exclude<Name, 'UNSPECIFIED'> : never;

/** What is known of a balancing policy without its code. */
export interface PolicyTraits {
  /** The weights that it can divide calls by: none (`even`), those of registration (`static`), or reported load too (`load`). */
  readonly weights: 'even' | 'static' | 'load';
  /**
   * What binds a call to some of the instances. `key`: calls with equal keys go to one instance. `zone`: calls stay in the
   * client's zone while it has room.
   */
  readonly affinity: 'none' | 'key' | 'zone';
}

/**
 * Each balancing policy. A value of the contract's enum without a row doesn't compile. docs/guides/balancing.md describes
 * each policy.
 */
export const POLICIES: Readonly<Record<PolicyName, PolicyTraits>> = {
  round_robin: { weights: 'even', affinity: 'none' },
  random: { weights: 'even', affinity: 'none' },
  weighted_round_robin: { weights: 'load', affinity: 'none' },
  least_request: { weights: 'static', affinity: 'none' },
  ring_hash: { weights: 'static', affinity: 'key' },
  zone_aware: { weights: 'static', affinity: 'zone' },
};

/** Whether there is a policy of that name. */
export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(POLICIES, name);
}

/** The names of all policies. */
export const POLICY_NAMES: readonly PolicyName[] = Object.keys(POLICIES).filter(isPolicyName);

/** How a client distributes the calls of a service over its instances. */
export interface Balancing {
  readonly policy: PolicyName;
  /** Where an instance's weight comes from: its registration (`static`) or the load that it reports (`load`). */
  readonly weights: 'static' | 'load';
  /** The duration of slow start, in which the share of a new instance grows. Milliseconds; 0 gives it a whole share at once. */
  readonly slowStartMs: number;
  /** How many of the instances one client calls; undefined for all. */
  readonly subsetSize: number | undefined;
  /** For ring_hash: the most calls in flight at an instance, in percent of the mean; undefined for no bound. */
  readonly hashBalanceFactor: number | undefined;
}

/** The balancing of a service whose contract declares none. */
export const DEFAULT_BALANCING: Balancing = {
  policy: 'round_robin',
  weights: 'static',
  slowStartMs: 10_000,
  subsetSize: undefined,
  hashBalanceFactor: undefined,
};

/** The ranges of the settings. Milliseconds for those that end in `Ms`. */
export const BALANCING_RANGES = {
  slowStartMs: [0, 3_600_000],
  subsetSize: [1, 10_000],
  hashBalanceFactor: [100, 10_000],
} as const;

const isIn = (value: number, [min, max]: readonly [min: number, max: number]) => value >= min && value <= max;
const isCount = (value: number, range: readonly [min: number, max: number]) =>
  Number.isInteger(value) && isIn(value, range);

/** What is wrong with `balancing`, as the end of a sentence that begins with its name; undefined if nothing is. */
export function checkBalancing(balancing: Balancing): string | undefined {
  const { policy, weights, slowStartMs, subsetSize, hashBalanceFactor } = balancing;
  if (!isPolicyName(policy)) return unknownPolicy(policy);
  const { weights: weighsBy, affinity } = POLICIES[policy];
  if (!isIn(slowStartMs, BALANCING_RANGES.slowStartMs))
    return `a slow start of ${slowStartMs} ms is not from 0 s to 1 h`;
  if (subsetSize !== undefined && !isCount(subsetSize, BALANCING_RANGES.subsetSize)) {
    return `a subset of ${subsetSize} is not a whole number from 1 to 10,000`;
  }
  if (weights === 'load' && weighsBy !== 'load') {
    return `${policy} doesn't weigh by load, which is for ${policiesThat((other) => other.weights === 'load')}`;
  }
  if (hashBalanceFactor !== undefined && !isCount(hashBalanceFactor, BALANCING_RANGES.hashBalanceFactor)) {
    return `a hash balance factor of ${hashBalanceFactor} is not a whole number from 100 to 10,000`;
  }
  if (hashBalanceFactor !== undefined && affinity !== 'key') {
    return `${policy} takes no hash balance factor, which is for ${policiesThat((other) => other.affinity === 'key')}`;
  }
  if (affinity === 'key' && subsetSize !== undefined) {
    return (
      `${policy} takes no subset, as all clients have to call the same instances: ` +
      `leave the subset of ${subsetSize} out, or choose another policy`
    );
  }
  return undefined;
}

function policiesThat(fits: (policy: PolicyTraits) => boolean): string {
  return POLICY_NAMES.filter((name) => fits(POLICIES[name])).join(' and ');
}

/** The fault of a policy name that doesn't exist, with the name that was probably meant. */
export function unknownPolicy(name: string): string {
  const meant = nearest(name, POLICY_NAMES);
  const hint = meant === undefined ? '' : `is ${meant} meant? `;
  return `there is no policy "${name}": ${hint}there are ${POLICY_NAMES.join(', ')}`;
}

/** The policy of a service as its contract declares it, with defaults filled in. */
export interface ServicePolicy {
  readonly balancing: Balancing;
  /** Whether the contract declares the balancing. */
  readonly declared?: boolean;
  /** Whether a method declares a call's key, which ring hash needs; undefined if it isn't known. */
  readonly keyed?: boolean;
}

/** The policy of a service whose contract isn't known. */
export const DEFAULT_SERVICE_POLICY: ServicePolicy = { balancing: DEFAULT_BALANCING };

/**
 * The balancing that a contract declares, with defaults filled in; or what is wrong with it, as the end of a sentence.
 *
 * @param names Those of the numbers in the contract's enums; undefined for a number without a name.
 */
export function balancingOf(
  { policy, weights, slowStart, subsetSize, hashBalanceFactor }: BalancingOption,
  names: Readonly<Record<'policy' | 'weights', string | undefined>>,
): Balancing | string {
  const named = (names.policy ?? '').replace('BALANCING_POLICY_', '').toLowerCase();
  const name = named === 'unspecified' ? DEFAULT_BALANCING.policy : named;
  if (!isPolicyName(name)) return `this version doesn't know policy ${policy}`;
  const source = WEIGHTS.get(names.weights);
  if (source === undefined) return `this version doesn't know weights ${weights}`;
  const balancing = {
    policy: name,
    weights: source,
    slowStartMs: slowStart === undefined ? DEFAULT_BALANCING.slowStartMs : toMs(slowStart),
    subsetSize: subsetSize === 0 ? undefined : subsetSize,
    hashBalanceFactor: hashBalanceFactor === 0 ? undefined : hashBalanceFactor,
  };
  return checkBalancing(balancing) ?? balancing;
}

const WEIGHTS = new Map<string | undefined, Balancing['weights']>([
  ['WEIGHT_SOURCE_UNSPECIFIED', 'static'],
  ['WEIGHT_SOURCE_STATIC', 'static'],
  ['WEIGHT_SOURCE_LOAD', 'load'],
]);
