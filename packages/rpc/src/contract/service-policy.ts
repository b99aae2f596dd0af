import {
  type Balancing as BalancingOption,
  BalancingPolicy,
  ServicePolicy as ServicePolicyOption,
  WeightSource,
} from '@rondo/contracts/rondo/options/v1/options';
import { type Balancing, checkBalancing, DEFAULT_BALANCING, type PolicyName } from './balancing.js';
import type { ServiceDefinition } from './definition.js';
import { optionBytes } from './options.js';
import { policyOf } from './policy.js';

/** How a service is called, as its contract says, with the defaults filled in. */
export interface ServicePolicy {
  readonly balancing: Balancing;
  /** Whether the contract itself says how it is balanced. */
  readonly declared?: boolean;
  /** Whether a method says what a call's key is, which ring hash needs; undefined where nobody knows. */
  readonly keyed?: boolean;
}

/** The policy of a service of whose contract nothing is known. */
export const DEFAULT_SERVICE_POLICY: ServicePolicy = { balancing: DEFAULT_BALANCING };

/** The tag of `rondo.options.v1.service`, field 50551, length-delimited: the generator copies it to each method. */
const POLICY_TAG = (50551 << 3) | 2;

/**
 * Reads the policy that stands in a service's contract.
 *
 * @throws TypeError where the contract contradicts itself; it names the service and the remedy.
 */
export function servicePolicyOf({ fullName, methods }: ServiceDefinition): ServicePolicy {
  const all = Object.values(methods);
  const keyed = all.some((method) => policyOf(method, `/${fullName}/${method.name}`).hashKey !== undefined);
  const bytes = all[0] && optionBytes(all[0], POLICY_TAG);
  const option = bytes && ServicePolicyOption.decode(bytes).balancing;
  if (option === undefined) return { ...DEFAULT_SERVICE_POLICY, keyed };
  const balancing = toBalancing(option, fullName);
  const fault = checkBalancing(balancing);
  if (fault !== undefined) throw contradiction(fullName, fault);
  return { balancing, declared: true, keyed };
}

function toBalancing({ policy, weights, slowStart, subsetSize }: BalancingOption, fullName: string): Balancing {
  const name = policy === BalancingPolicy.BALANCING_POLICY_UNSPECIFIED ? DEFAULT_BALANCING.policy : NAMES[policy];
  if (name === undefined) throw contradiction(fullName, `policy ${policy} is one that this version doesn't know`);
  const source = SOURCES[weights];
  if (source === undefined) throw contradiction(fullName, `weights ${weights} are such as this version doesn't know`);
  return {
    policy: name,
    weights: source,
    slowStartMs:
      slowStart === undefined
        ? DEFAULT_BALANCING.slowStartMs
        : Number(slowStart.seconds) * 1_000 + slowStart.nanos / 1e6,
    subsetSize: subsetSize === 0 ? undefined : subsetSize,
  };
}

function contradiction(fullName: string, fault: string): TypeError {
  return new TypeError(`${fullName}: (rondo.options.v1.service).balancing: ${fault}`);
}

const SOURCES: Partial<Record<WeightSource, Balancing['weights']>> = {
  [WeightSource.WEIGHT_SOURCE_UNSPECIFIED]: 'static',
  [WeightSource.WEIGHT_SOURCE_STATIC]: 'static',
  [WeightSource.WEIGHT_SOURCE_LOAD]: 'load',
};

const NAMES: Partial<Record<BalancingPolicy, PolicyName>> = {
  [BalancingPolicy.BALANCING_POLICY_ROUND_ROBIN]: 'round_robin',
  [BalancingPolicy.BALANCING_POLICY_RANDOM]: 'random',
  [BalancingPolicy.BALANCING_POLICY_WEIGHTED_ROUND_ROBIN]: 'weighted_round_robin',
  [BalancingPolicy.BALANCING_POLICY_LEAST_REQUEST]: 'least_request',
  [BalancingPolicy.BALANCING_POLICY_RING_HASH]: 'ring_hash',
  [BalancingPolicy.BALANCING_POLICY_ZONE_AWARE]: 'zone_aware',
};
