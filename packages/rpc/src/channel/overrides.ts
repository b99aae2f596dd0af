import type { Logger } from '../call/call.js';
import {
  type Balancing,
  checkBalancing,
  DEFAULT_BALANCING,
  POLICIES,
  POLICY_NAMES,
  type ServicePolicy,
} from '../contract/balancing.js';
import { checkBreaker, DEFAULT_BREAKER } from '../contract/breaker-policy.js';
import { checkBulkhead, DEFAULT_BULKHEAD } from '../contract/bulkhead-policy.js';
import { type BalancingOverrides, EVERY_SERVICE, type GuardOverrides } from '../contract/setting-text.js';
import { clientErrors } from '../errors/client.js';
import type { CallSettings } from '../live-config/live-settings.js';
import { type GuardSettings, pluggedIn, pluggedSettings } from './policies.js';

/** What overrides the contracts in a channel from its start. */
interface OverridesOptions extends GuardSettings {
  readonly balancing: BalancingOverrides;
  readonly log: Logger;
  /** Whether the channel has the policies of the plugin. */
  readonly plugged: boolean;
}

/** What overrides the contracts in a channel: its options, and over them the live settings, entry by entry. */
export class Overrides {
  readonly #base: OverridesOptions;
  #live: CallSettings = { balancing: {}, breakers: {}, bulkheads: {}, canaryPercents: {} };
  /** The live settings that have no effect, because they need a plugin: `breaker of sales.v1.OrderService`. */
  ignored: readonly string[] = [];

  /** @throws RpcError `FAILED_PRECONDITION` if the options need a plugin that the channel doesn't have. */
  constructor(base: OverridesOptions) {
    this.#base = base;
    const [missing] = base.plugged ? [] : pluggedSettings(base);
    if (missing !== undefined) throw clientErrors.POLICY_MISSING({ option: `the setting ${missing}` });
  }

  /** Replaces the live settings. Without the plugin, those that need it are ignored, because the process must go on. */
  set live(settings: CallSettings) {
    const { plugged, log } = this.#base;
    const before = this.ignored;
    this.ignored = plugged ? [] : pluggedSettings(settings);
    for (const setting of this.ignored.filter((one) => !before.includes(one))) {
      log.warn({ setting }, 'a setting has no effect: it needs the plugin @rondo/balancing (rondo add balancing)');
    }
    const usable = Object.entries(settings.balancing).filter(([, one]) => plugged || pluggedIn(one) === undefined);
    this.#live = { ...settings, balancing: Object.fromEntries(usable) };
  }

  get guards(): GuardSettings {
    const { breakers, bulkheads } = this.#live;
    return {
      breakers: { ...this.#base.breakers, ...breakers },
      bulkheads: { ...this.#base.bulkheads, ...bulkheads },
    };
  }

  /** The percentage that replaces that of the service's canaries; undefined if none does. */
  canaryPercentOf(service: string): number | undefined {
    const { canaryPercents } = this.#live;
    return Object.hasOwn(canaryPercents, service) ? canaryPercents[service] : undefined;
  }

  /**
   * The balancing of a service. A live setting that contradicts the contract is ignored, because the process must go on.
   *
   * @throws BalancingError if the options contradict the contract.
   */
  balancingOf(service: string, policy: ServicePolicy): ServiceBalancing {
    const { balancing, log } = this.#base;
    try {
      return balancingOf(service, policy, { ...balancing, ...this.#live.balancing });
    } catch (error) {
      const base = balancingOf(service, policy, balancing);
      if (!(error instanceof BalancingError)) throw error;
      log.warn({ target: service, err: error }, 'the setting balancing has no effect: it contradicts the contract');
      return base;
    }
  }
}

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
  const faults = Object.entries(overrides).flatMap(([service, balancing]) => {
    // Without a policy, the contract's holds: one policy that allows the other settings is enough.
    const [fault, ...others] = POLICY_NAMES.map((policy) =>
      checkBalancing({ ...DEFAULT_BALANCING, policy, ...balancing }),
    );
    return fault === undefined || others.includes(undefined) ? [] : [`${service}: ${fault}`];
  });
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

/**
 * Checks the settings that code passes.
 *
 * @throws TypeError that lists every fault.
 */
export function acceptGuards({ breakers = {}, bulkheads = {} }: Partial<GuardSettings>): GuardSettings {
  const faults = [
    ...faultsIn('breakers', breakers, (setting) => checkBreaker({ ...DEFAULT_BREAKER, ...setting }, false)),
    ...faultsIn('bulkheads', bulkheads, (setting) => checkBulkhead({ ...DEFAULT_BULKHEAD, maxCalls: 0, ...setting })),
  ];
  if (faults.length > 0) throw new TypeError(faults.join('; '));
  return { breakers, bulkheads };
}

function faultsIn<P>(
  option: string,
  settings: GuardOverrides<P>,
  check: (setting: Partial<P>) => string | undefined,
): readonly string[] {
  return Object.entries(settings).flatMap(([target, setting]) => {
    const fault = setting === 'off' ? undefined : check(setting);
    return fault === undefined ? [] : [`${option}: ${target}${fault}`];
  });
}
