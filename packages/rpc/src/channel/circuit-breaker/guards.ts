import { checkBreaker, DEFAULT_BREAKER } from '../../contract/breaker-policy.js';
import { checkBulkhead, DEFAULT_BULKHEAD } from '../../contract/bulkhead-policy.js';
import type { BreakerOverrides, BulkheadOverrides, GuardOverrides } from '../../contract/guard-text.js';
import type { Method } from '../../contract/method.js';
import { type GuardOptions, type GuardPolicy, MethodGuard } from './method-guard.js';

/** The breakers and bulkheads that are set outside the contracts. */
export interface GuardSettings {
  readonly breakers: BreakerOverrides;
  readonly bulkheads: BulkheadOverrides;
}

/** The guards of one service, one for each method that has a breaker or a bulkhead. */
export class Guards {
  readonly #options: GuardOptions;
  #settings: GuardSettings;
  /** Undefined: the method has none. */
  readonly #byPath = new Map<string, MethodGuard | undefined>();

  constructor(settings: GuardSettings, options: GuardOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  /** The guard of a method; undefined if it has none. Called with each call. */
  of(method: Method): MethodGuard | undefined {
    const known = this.#byPath.get(method.path);
    return known !== undefined || this.#byPath.has(method.path) ? known : this.#create(method);
  }

  /** The guards of the methods that were called. */
  all(): readonly MethodGuard[] {
    return [...this.#byPath.values()].filter((guard) => guard !== undefined);
  }

  /** Replaces the settings. Breakers and bulkheads that stay keep their state. */
  configure(settings: GuardSettings): void {
    this.#settings = settings;
    for (const [path, guard] of this.#byPath) {
      if (guard === undefined) this.#byPath.delete(path);
      else guard.policy = guardPolicyOf(guard.method, settings);
    }
  }

  #create(method: Method): MethodGuard | undefined {
    const policy = guardPolicyOf(method, this.#settings);
    const none = policy.breaker === undefined && policy.bulkhead === undefined;
    const guard = none ? undefined : new MethodGuard(method, policy, this.#options);
    this.#byPath.set(method.path, guard);
    return guard;
  }
}

/** How the calls of a method are guarded: the settings override the contract field by field. */
export function guardPolicyOf(method: Method, { breakers, bulkheads }: GuardSettings): GuardPolicy {
  const { policy, requestStream, responseStream } = method;
  const breaker = overridden(policy.breaker, settingOf(method, breakers), DEFAULT_BREAKER);
  const bulkhead = overridden(policy.bulkhead, settingOf(method, bulkheads), DEFAULT_BULKHEAD);
  // The reader of a stream decides how long it lasts.
  const streams = requestStream || responseStream;
  return {
    breaker: breaker && (streams ? { ...breaker, slowCallMs: undefined } : breaker),
    // Without the most calls there is nothing to bound.
    bulkhead: bulkhead?.maxCalls === undefined ? undefined : { ...bulkhead, maxCalls: bulkhead.maxCalls },
  };
}

function overridden<P extends object, D extends object>(
  contract: P | undefined,
  setting: Partial<P> | 'off' | undefined,
  defaults: D,
): (D & Partial<P>) | undefined {
  if (setting === 'off') return undefined;
  if (setting === undefined && contract === undefined) return undefined;
  return { ...defaults, ...contract, ...setting };
}

/** The setting of a method: its own, that of its service, or that of every service. */
function settingOf<P>({ service, name }: Method, settings: GuardOverrides<P>): Partial<P> | 'off' | undefined {
  for (const target of [`${service}/${name}`, service, '*']) {
    if (Object.hasOwn(settings, target)) return settings[target];
  }
  return undefined;
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
