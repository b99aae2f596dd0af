import { DEFAULT_BREAKER, DEFAULT_BULKHEAD, type Method } from '@rondo/rpc/internal';
import type { GuardSettings, Guards, GuardsOptions } from './channel-types.js';
import { type GuardPolicy, MethodGuard } from './method-guard.js';

/** Opens the guards of one service: one for each method that has a breaker, a bulkhead or hedges. */
export function openGuards(settings: GuardSettings, options: GuardsOptions): Guards {
  let current = settings;
  /** Undefined: the method has none. */
  const byPath = new Map<string, MethodGuard | undefined>();

  function create(method: Method): MethodGuard | undefined {
    const policy = guardPolicyOf(method, current);
    const none = (policy.breaker ?? policy.bulkhead ?? method.policy.hedge) === undefined;
    const guard = none ? undefined : new MethodGuard(method, policy, options);
    byPath.set(method.path, guard);
    return guard;
  }

  return {
    of(method) {
      const known = byPath.get(method.path);
      return known !== undefined || byPath.has(method.path) ? known : create(method);
    },
    configure(next) {
      current = next;
      for (const [path, guard] of byPath) {
        if (guard === undefined) byPath.delete(path);
        else guard.policy = guardPolicyOf(guard.method, next);
      }
    },
    view: () => [...byPath.values()].flatMap((guard) => guard?.view() ?? []),
  };
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
function settingOf<S>({ service, name }: Method, settings: Readonly<Record<string, S>>): S | undefined {
  for (const target of [`${service}/${name}`, service, '*']) {
    if (Object.hasOwn(settings, target)) return settings[target];
  }
  return undefined;
}
