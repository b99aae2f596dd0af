import { POLICIES } from '../balancer/policies.js';
import { type Balancing, checkBalancing, type ServicePolicy } from '../contract/balancing.js';
import { type BalancingOverrides, checkOverrides, EVERY_SERVICE } from '../contract/balancing-text.js';

/** Where the balancing of a service comes from: the defaults, its contract, or this process's configuration. */
export type BalancingOrigin = 'default' | 'contract' | 'configuration';

/** The balancing of a service and its origin. */
export interface ServiceBalancing {
  readonly balancing: Balancing;
  readonly origin: BalancingOrigin;
}

/** The balancing in a service's contract and in this process's configuration contradict each other. */
export class BalancingError extends TypeError {
  override readonly name = 'BalancingError';
}

/**
 * Checks the balancing overrides that code passes.
 *
 * @throws TypeError that lists every fault.
 */
export function acceptOverrides(overrides: BalancingOverrides): BalancingOverrides {
  const faults = checkOverrides(overrides);
  if (faults.length > 0) throw new TypeError(`balancing: ${faults.join('; ')}`);
  return overrides;
}

/**
 * The balancing of `service`: the configuration overrides the contract field by field. `weights` and `hashBalanceFactor`
 * belong to the policy: if the configuration names another policy, the contract's don't apply.
 *
 * @throws BalancingError if the two contradict each other. It names the service and the remedy.
 */
export function balancingOf(
  service: string,
  { balancing: contract, declared = false, keyed }: ServicePolicy,
  overrides: BalancingOverrides,
): ServiceBalancing {
  const override = overrideOf(service, overrides);
  const samePolicy = override?.policy === undefined || override.policy === contract.policy;
  const base: Balancing = samePolicy ? contract : { ...contract, weights: 'static', hashBalanceFactor: undefined };
  const given = { ...base, ...override };
  // During a slow start, two clients would take different instances for the owner of a key.
  const pins = POLICIES[given.policy].affinity === 'key' && given.hashBalanceFactor === undefined;
  const balancing = pins ? { ...given, slowStartMs: 0 } : given;
  const fault = checkBalancing(balancing) ?? keyFault(balancing, keyed);
  if (fault !== undefined) throw new BalancingError(`${service} can't be balanced so: ${fault}`);
  const declaredBy = declared ? 'contract' : 'default';
  return { balancing, origin: override === undefined ? declaredBy : 'configuration' };
}

function overrideOf(service: string, overrides: BalancingOverrides): Partial<Balancing> | undefined {
  if (Object.hasOwn(overrides, service)) return overrides[service];
  return Object.hasOwn(overrides, EVERY_SERVICE) ? overrides[EVERY_SERVICE] : undefined;
}

function keyFault({ policy }: Balancing, keyed: boolean | undefined): string | undefined {
  if (POLICIES[policy].affinity !== 'key' || keyed !== false) return undefined;
  return (
    `${policy} sends calls with equal keys to one instance, and no method of its contract says what its key is: ` +
    'give one a (rondo.options.v1.method).hash_key, or choose another policy'
  );
}
