import { nominalShares } from '../balancer/weights.js';
import { type Balancing, POLICIES } from '../contract/balancing.js';
import type { InstanceState, SourceView } from '../resolver/resolver.js';
import type { ConnectivityState } from '../transport/transport.js';
import { groupBy } from './group-by.js';
import type { BalancingOrigin } from './overrides.js';
import { portionsOf, trafficGroupOf } from './picker.js';
import type { GuardView } from './policies.js';
import type { AttemptStats, MethodCandidate, Subchannel } from './subchannel.js';

/** One method at one endpoint, since the first pick. */
export interface MethodView {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The number of attempts made there. */
  readonly picks: number;
  /** The attempts in flight. */
  readonly inFlight: number;
  /** The part of its full share that the slow start allows now, above 0 and at most 1. */
  readonly ramp: number;
  /** The share of the method's next calls by weight, 0 to 1; undefined if weights don't decide. */
  readonly share: number | undefined;
  /** Why no calls of the method go there; undefined if they do. */
  readonly held: string | undefined;
}

/** How many attempts have begun, failed, and took how long. */
export type AttemptCounts = Pick<AttemptStats, 'begun' | 'failed' | 'durations'>;

/** The state of an endpoint in a channel. */
export interface EndpointView {
  readonly instanceId: string;
  readonly address: string;
  /** `region/zone`; empty if unknown. */
  readonly zone: string;
  /** Empty if unknown. */
  readonly version: string;
  /** The registered weight, 1 to 1000. */
  readonly weight: number;
  readonly state: ConnectivityState;
  /** The state that the resolver reports. */
  readonly instanceState: InstanceState;
  /** When its process started, in milliseconds since the Unix epoch; undefined if unknown. */
  readonly startedAt: number | undefined;
  /** The last connection error, while the connection has failed. */
  readonly lastError: string | undefined;
  /** Why no calls go there: `connecting`, `draining`, `set aside: …`, `ejected: …`; undefined if they do. */
  readonly held: string | undefined;
  /**
   * Whether the instance is connected and registered as serving, and still gets no calls of some or all methods,
   * because it is ejected, set aside or unhealthy. A canary of 0 % is not left out.
   */
  readonly leftOut: boolean;
  /** The number of attempts made there. */
  readonly picks: number;
  /** The attempts made there, by how they ended. */
  readonly attempts: AttemptCounts;
  /** The attempts in flight. */
  readonly inFlight: number;
  /**
   * The share of the service's next calls by weight, 0 to 1. Each method counts by how often it is called. Undefined if
   * weights don't decide, and before the first call.
   */
  readonly share: number | undefined;
  /** The methods called so far, in no particular order. */
  readonly methods: readonly MethodView[];
}

/** The state of a service in a channel. */
export interface ServiceView {
  readonly service: string;
  /** How calls are balanced, and where that is configured. */
  readonly balancing: Balancing & { readonly origin: BalancingOrigin };
  readonly endpoints: readonly EndpointView[];
  /** The attempts at all endpoints, also at those that have left. */
  readonly attempts: AttemptCounts;
  /** The paths of the methods in panic mode: calls go to all instances because too many fail. */
  readonly panics: readonly string[];
  /** The breakers and bulkheads of the methods called so far. */
  readonly guards: readonly GuardView[];
  /** The state of the lookup in the registry; undefined for a fixed list. */
  readonly source: SourceView | undefined;
}

/** The current state of a service's subchannels. */
export function viewEndpoints(subchannels: readonly Subchannel[], balancing: Balancing): readonly EndpointView[] {
  const shares = sharesByPath(subchannels, balancing);
  const calls = callsByPath(subchannels);
  return subchannels.map((subchannel) => {
    const methods = [...subchannel.candidates].map((candidate) => viewTarget(candidate, shares));
    const { instanceId, address, zone, version, weight, state: instanceState, incarnation } = subchannel.endpoint;
    const { state, lastError } = subchannel.transport;
    return {
      instanceId,
      address,
      zone,
      version,
      weight,
      state,
      instanceState,
      startedAt: incarnation === 0 ? undefined : incarnation,
      lastError,
      held: subchannel.whyUnavailable(),
      leftOut: state === 'ready' && instanceState === 'serving' && !subchannel.usable,
      picks: sum(methods, ({ picks }) => picks),
      attempts: subchannel.stats,
      inFlight: sum(methods, ({ inFlight }) => inFlight),
      share: shareOverall(methods, calls),
      methods,
    };
  });
}

function viewTarget(candidate: MethodCandidate, shares: Shares): MethodView {
  const { subchannel, path, picks, inFlight, ramp } = candidate;
  const share = shares.has(candidate) ? shares.get(candidate) : 0;
  return { path, picks, inFlight, ramp, share, held: subchannel.whyUnavailable(path) };
}

function sharesByPath(subchannels: readonly Subchannel[], balancing: Balancing): Shares {
  const connected = subchannels.filter(({ ready }) => ready).flatMap(({ candidates }) => [...candidates]);
  const available = groupBy(
    connected.filter(({ setAside }) => !setAside),
    ({ path }) => path,
  );
  return new Map([...available.values()].flatMap((candidates) => [...sharesAmong(candidates, balancing)]));
}

function callsByPath(subchannels: readonly Subchannel[]): ReadonlyMap<string, number> {
  const calls = new Map<string, number>();
  for (const { path, picks } of subchannels.flatMap(({ candidates }) => [...candidates])) {
    calls.set(path, (calls.get(path) ?? 0) + picks);
  }
  return calls;
}

/** The share over all methods, weighted by their numbers of calls. */
function shareOverall(methods: readonly MethodView[], calls: ReadonlyMap<string, number>): number | undefined {
  const total = sum(methods, ({ path }) => calls.get(path) ?? 0);
  let share = 0;
  for (const method of methods) {
    if (method.share === undefined) return undefined;
    share += method.share * (calls.get(method.path) ?? 0);
  }
  return total === 0 ? undefined : share / total;
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

/** Shares by candidate. Candidates without calls are not in it. Undefined: weights don't decide. */
type Shares = ReadonlyMap<MethodCandidate, number | undefined>;

/**
 * The share of one method's next calls, 0 to 1, that each candidate gets by its weight. Canaries get their percentages, the
 * stable instances the rest. Calls that ask for a version are not counted.
 */
function sharesAmong(available: readonly MethodCandidate[], { policy, weights }: Balancing): Shares {
  const { affinity, weights: weighsBy } = POLICIES[policy];
  const source = weighsBy === 'even' ? 'even' : weights;
  const groups = groupBy(available, ({ endpoint }) => trafficGroupOf(endpoint));
  const portions = portionsOf(groups);
  const shares = new Map<MethodCandidate, number | undefined>();
  for (const [name, candidates] of groups) {
    const portion = portions.get(name) ?? 0;
    const given = affinity === 'zone' ? undefined : nominalShares(candidates, source);
    for (const [index, candidate] of candidates.entries()) {
      const share = portion === 0 ? 0 : given?.[index];
      shares.set(candidate, share === undefined ? undefined : share * portion);
    }
  }
  return shares;
}
