import type { Random } from '@rondo/base';
import type { BalancingPolicy as PolicyOption } from '@rondo/contracts/rondo/options/v1/options';
import { leastRequest } from './least-request.js';
import type { BalancingPolicy } from './picker.js';
import { uniform } from './random.js';
import { ringHash } from './ring-hash.js';
import { roundRobin, weightedRoundRobin } from './round-robin.js';
import type { WeightSource } from './weights.js';
import { zoneAware } from './zone-aware.js';

/** The name of a balancing policy: that of the contract's enum without its prefix, in lower case. */
export type PolicyName = Lowercase<NameOf<keyof typeof PolicyOption>>;

type NameOf<Option> = Option extends `BALANCING_POLICY_${infer Name}` ? Exclude<Name, 'UNSPECIFIED'> : never;

/** What a policy is made from. */
export interface PolicyOptions {
  readonly random: Random;
  /** The client's `region/zone`; empty if unknown. */
  readonly zone: string;
  /** Where the weights of `weighted_round_robin` come from. */
  readonly weights: 'static' | 'load';
  /** For policies by key: the most calls in flight at an instance, in percent of the mean; undefined for no bound. */
  readonly hashBalanceFactor?: number | undefined;
}

/** A balancing policy, as the rest of the client knows it. */
export interface Policy {
  /** The weights that it can divide calls by: none (`even`), those of registration (`static`), or reported load too (`load`). */
  readonly weights: WeightSource;
  /**
   * What binds a call to some of the instances. `key`: calls with equal keys go to one instance. `zone`: calls stay in the
   * client's zone while it has room.
   */
  readonly affinity: 'none' | 'key' | 'zone';
  create(options: PolicyOptions): BalancingPolicy;
}

/**
 * Each balancing policy. A value of the contract's enum without a row doesn't compile. docs/guides/balancing.md describes
 * each policy.
 */
export const POLICIES: Readonly<Record<PolicyName, Policy>> = {
  round_robin: { weights: 'even', affinity: 'none', create: ({ random }) => roundRobin(random) },
  random: { weights: 'even', affinity: 'none', create: ({ random }) => uniform(random) },
  weighted_round_robin: {
    weights: 'load',
    affinity: 'none',
    create: ({ random, weights }) => weightedRoundRobin(random, weights),
  },
  least_request: { weights: 'static', affinity: 'none', create: ({ random }) => leastRequest(random) },
  ring_hash: {
    weights: 'static',
    affinity: 'key',
    create: ({ random, hashBalanceFactor }) => ringHash(random, hashBalanceFactor),
  },
  zone_aware: {
    weights: 'static',
    affinity: 'zone',
    create: ({ random, zone }) => zoneAware({ zone, random, inner: () => weightedRoundRobin(random, 'static') }),
  },
};

/** Whether there is a policy of that name. */
export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(POLICIES, name);
}

/** The names of all policies. */
export const POLICY_NAMES: readonly PolicyName[] = Object.keys(POLICIES).filter(isPolicyName);
