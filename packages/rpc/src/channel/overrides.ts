import type { Logger } from '../call/call.js';
import type { ServicePolicy } from '../contract/balancing.js';
import type { BalancingOverrides } from '../contract/balancing-text.js';
import type { CallSettings } from '../live-config/live-settings.js';
import type { GuardSettings } from './circuit-breaker/guards.js';
import { BalancingError, balancingOf, type ServiceBalancing } from './service-balancing.js';

/** What overrides the contracts in a channel from its start. */
interface OverridesOptions extends GuardSettings {
  readonly balancing: BalancingOverrides;
  readonly log: Logger;
}

/** What overrides the contracts in a channel: its options, and over them the live settings, entry by entry. */
export class Overrides {
  readonly #base: OverridesOptions;
  live: CallSettings = { balancing: {}, breakers: {}, bulkheads: {}, canaryPercents: {} };

  constructor(base: OverridesOptions) {
    this.#base = base;
  }

  get guards(): GuardSettings {
    const { breakers, bulkheads } = this.live;
    return {
      breakers: { ...this.#base.breakers, ...breakers },
      bulkheads: { ...this.#base.bulkheads, ...bulkheads },
    };
  }

  /** The percentage that replaces that of the service's canaries; undefined if none does. */
  canaryPercentOf(service: string): number | undefined {
    const { canaryPercents } = this.live;
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
      return balancingOf(service, policy, { ...balancing, ...this.live.balancing });
    } catch (error) {
      const base = balancingOf(service, policy, balancing);
      if (!(error instanceof BalancingError)) throw error;
      log.warn({ target: service, err: error }, 'the setting balancing has no effect: it contradicts the contract');
      return base;
    }
  }
}
