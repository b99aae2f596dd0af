import {
  type Balancing,
  type BalancingOverrides,
  checkBalancing,
  checkOverrides,
  EVERY_SERVICE,
  type ServicePolicy,
} from '../contract/index.js';

/** Who said how a service is balanced: nobody, its contract, or what this process is configured with. */
export type BalancingOrigin = 'default' | 'contract' | 'configuration';

/** How a service is balanced, and who said so. */
export interface ServiceBalancing {
  readonly balancing: Balancing;
  readonly origin: BalancingOrigin;
}

/** A service can't be balanced as its contract and the configuration of this process have it, taken together. */
export class BalancingError extends TypeError {
  override readonly name = 'BalancingError';
}

/**
 * Holds what code says of balancing to its bounds.
 *
 * @throws TypeError that lists every fault.
 */
export function acceptOverrides(overrides: BalancingOverrides): BalancingOverrides {
  const faults = checkOverrides(overrides);
  if (faults.length > 0) throw new TypeError(`balancing: ${faults.join('; ')}`);
  return overrides;
}

/**
 * How `service` is balanced: as configured, as far as that goes, and else as its contract says. What an instance's weight
 * is belongs to a policy: where the configuration names another, it is the configuration's to say that, too.
 *
 * @throws BalancingError where the two don't go together; it names the service and the remedy.
 */
export function balancingOf(
  service: string,
  { balancing: contract, declared = false, keyed }: ServicePolicy,
  overrides: BalancingOverrides,
): ServiceBalancing {
  const override = overrideOf(service, overrides);
  const weights = override?.policy === undefined || override.policy === contract.policy ? contract.weights : 'static';
  const balancing = { ...contract, weights, ...override };
  const fault = checkBalancing(balancing) ?? keyFault(balancing, keyed);
  if (fault !== undefined) throw new BalancingError(`${service} can't be balanced so: ${fault}`);
  const said = declared ? 'contract' : 'default';
  return { balancing, origin: override === undefined ? said : 'configuration' };
}

function overrideOf(service: string, overrides: BalancingOverrides): Partial<Balancing> | undefined {
  if (Object.hasOwn(overrides, service)) return overrides[service];
  return Object.hasOwn(overrides, EVERY_SERVICE) ? overrides[EVERY_SERVICE] : undefined;
}

function keyFault({ policy }: Balancing, keyed: boolean | undefined): string | undefined {
  if (policy !== 'ring_hash' || keyed !== false) return undefined;
  return (
    'ring_hash sends calls with equal keys to one instance, and no method of its contract says what its key is: ' +
    'give one a (rondo.options.v1.method).hash_key, or choose another policy'
  );
}
