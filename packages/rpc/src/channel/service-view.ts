import { nominalShares } from '../balancer/weights.js';
import type { Balancing } from '../contract/index.js';
import type { SourceView, Standing } from '../resolver/index.js';
import type { ConnectivityState } from '../transport/index.js';
import { groupBy } from './group-by.js';
import type { MethodCandidate } from './method-candidate.js';
import type { BalancingOrigin } from './services.js';
import type { Subchannel } from './subchannel.js';
import { portionsOf, trafficGroupOf } from './traffic-groups.js';

/** One method at one endpoint, since it was first looked for there. */
export interface MethodView {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The calls that were sent there. */
  readonly picks: number;
  /** Those of them that are under way. */
  readonly inFlight: number;
  /** How much of its share it is to have by now, above 0 and at most 1. */
  readonly ramp: number;
  /** The share of the method's next calls that its weight gives it, 0 to 1; undefined where weights don't decide. */
  readonly share: number | undefined;
  /** Why no call of the method goes there; undefined where calls do. */
  readonly held: string | undefined;
}

/** An endpoint as a channel sees it. */
export interface EndpointView {
  readonly instanceId: string;
  readonly address: string;
  /** `region/zone`; empty where nobody said. */
  readonly zone: string;
  /** Empty where nobody said. */
  readonly version: string;
  /** What it registered with: 1 to 1000. */
  readonly weight: number;
  readonly state: ConnectivityState;
  /** Whether it takes calls, and else why not. */
  readonly standing: Standing;
  /** When its process started, in milliseconds since the Unix epoch; undefined where nobody said. */
  readonly startedAt: number | undefined;
  /** Why it can't be used, while its connection has failed. */
  readonly lastError: string | undefined;
  /** Why no call goes there: `connecting`, `draining`, `set aside: …`, `ejected: …`; undefined where calls do. */
  readonly held: string | undefined;
  /**
   * Whether it is connected and meant to take calls, and those of some method, or of all, are kept from it by what became
   * of calls or what its health says: ejected, set aside, not serving. A canary for 0 % isn't left out, but meant so.
   */
  readonly leftOut: boolean;
  /** The calls that were sent there. */
  readonly picks: number;
  /** Those of them that are under way. */
  readonly inFlight: number;
  /**
   * The share of the service's next calls that its weight gives it, 0 to 1: each method counts by how often it is called.
   * Undefined where weights don't decide, and before the first call.
   */
  readonly share: number | undefined;
  /** The methods that are called, in no order. */
  readonly methods: readonly MethodView[];
}

/** A service's endpoints as a channel sees them. */
export interface ServiceView {
  readonly service: string;
  /** How its calls are shared out, and who said so. */
  readonly balancing: Balancing & { readonly origin: BalancingOrigin };
  readonly endpoints: readonly EndpointView[];
  /** The paths of the methods whose calls go to all, as most instances fail. */
  readonly panics: readonly string[];
  /** How the list stands to the registry; undefined where it is fixed. */
  readonly source: SourceView | undefined;
}

/** Shows the subchannels of a service as they are now. */
export function viewEndpoints(subchannels: readonly Subchannel[], balancing: Balancing): readonly EndpointView[] {
  const shares = sharesByPath(subchannels, balancing);
  const calls = callsByPath(subchannels);
  return subchannels.map((subchannel) => {
    const methods = [...subchannel.candidates].map((candidate) => viewTarget(candidate, shares));
    const { instanceId, address, zone, version, weight, standing, incarnation } = subchannel.endpoint;
    const { state, lastError } = subchannel.transport;
    return {
      instanceId,
      address,
      zone,
      version,
      weight,
      state,
      standing,
      startedAt: incarnation === 0 ? undefined : incarnation,
      lastError,
      held: subchannel.whyUnavailable(),
      leftOut: state === 'ready' && standing === 'serving' && !subchannel.usable,
      picks: sum(methods, ({ picks }) => picks),
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
  const willing = groupBy(
    connected.filter(({ setAside }) => !setAside),
    ({ path }) => path,
  );
  return new Map([...willing.values()].flatMap((candidates) => [...sharesAmong(candidates, balancing)]));
}

function callsByPath(subchannels: readonly Subchannel[]): ReadonlyMap<string, number> {
  const calls = new Map<string, number>();
  for (const { path, picks } of subchannels.flatMap(({ candidates }) => [...candidates])) {
    calls.set(path, (calls.get(path) ?? 0) + picks);
  }
  return calls;
}

/** Of all methods: one that is called more often counts for more. */
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

/** By candidate; those that get nothing aren't in it, and undefined is the share of those for whom weights don't decide. */
type Shares = ReadonlyMap<MethodCandidate, number | undefined>;

/**
 * The share of one method's next calls, 0 to 1, that their weights give to candidates that take some, where the calls ask
 * for no version: canaries have their percent of it, the others the rest.
 */
function sharesAmong(willing: readonly MethodCandidate[], balancing: Balancing): Shares {
  const groups = groupBy(willing, ({ endpoint }) => trafficGroupOf(endpoint));
  const portions = portionsOf(groups);
  const shares = new Map<MethodCandidate, number | undefined>();
  for (const [name, candidates] of groups) {
    const portion = portions.get(name) ?? 0;
    const given = nominalShares(candidates, balancing);
    for (const [index, candidate] of candidates.entries()) {
      const share = portion === 0 ? 0 : given?.[index];
      shares.set(candidate, share === undefined ? undefined : share * portion);
    }
  }
  return shares;
}
