import type { Clock, Random } from '@rondo/base';
import type { BalancingPolicy, Candidate, PickCall, Picker } from '../balancer/picker.js';
import { POLICIES } from '../balancer/policies.js';
import type { Balancing } from '../contract/balancing.js';
import type { Method } from '../contract/method.js';
import { withCanaries } from '../resolver/canary.js';
import type { Resolution, ResolverListener } from '../resolver/resolver.js';
import type { RpcError } from '../status/rpc-error.js';
import type { ConnectivityState } from '../transport/transport.js';
import type { AttemptListener } from './attempt.js';
import { ConnectOnDemand, FirstConnections } from './connecting.js';
import type { Connections } from './connections.js';
import { HedgeDelays } from './hedge-delays.js';
import { LoadReports } from './load-weight.js';
import { Lookup } from './lookup.js';
import { type AttemptOutcome, AttemptStats, type MethodCandidate } from './method-candidate.js';
import { OutlierDetector } from './outlier-detection/outlier-detector.js';
import { MethodPickers } from './picker.js';
import { SlowStart } from './slow-start.js';
import type { Subchannel } from './subchannel.js';
import { Subchannels } from './subchannels.js';
import { SubsetWindow } from './subset.js';
import { STABLE, trafficGroupOf } from './traffic-groups.js';

/** What an endpoint pool is made from. */
export interface EndpointPoolOptions {
  readonly service: string;
  /** Where the endpoints come from, for messages. */
  readonly source: string;
  /** What to do if they can't be had from there, for messages. */
  readonly remedy?: string | undefined;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly random: Random;
  readonly balancing: Balancing;
  /** The client's `region/zone`; empty if unknown. */
  readonly zone: string;
  /** The client's position among its peers, in [0, 1). It decides the client's subset of a large pool. */
  readonly position?: () => number;
  /** Whether the pool watches the health of each instance (`grpc.health.v1.Health`). */
  readonly healthCheck: boolean;
}

/** Enough for a restart whose new process has been loaded before the old one leaves. */
const SUCCESSOR_MS = 2_000;

/**
 * The endpoints of one service: keeps a subchannel for each and picks one for each call. The resolver, the subchannels
 * and the calls report to the pool. When a report changes which instances can be picked, the pool replaces its pickers
 * and wakes the calls that wait.
 */
export class EndpointPool implements ResolverListener, AttemptListener {
  readonly #options: EndpointPoolOptions;
  readonly #clock: Clock;
  readonly #lookup: Lookup;
  readonly #subchannels: Subchannels;
  readonly #slowStart: SlowStart;
  #outliers: OutlierDetector;
  /** Undefined if the policy doesn't balance by load. */
  #loads: LoadReports | undefined;
  #pickers: MethodPickers;
  readonly #onDemand: ConnectOnDemand;
  readonly #firstConnections: FirstConnections;
  readonly #changes = new Changes();
  /** Finds the owners of keys; undefined if keys have none by the policy. */
  #ring: BalancingPolicy | undefined;
  /** The picker of `#ring` over the present instances, made at its first use. */
  #owners: Picker<Candidate> | undefined;
  /** The attempts at all instances, also at those that have left. */
  readonly stats = new AttemptStats();
  /** The delays after which the calls of the service are hedged. */
  readonly hedgeDelays = new HedgeDelays();
  /** The last resolution, and the percentage that replaces those of its canaries. */
  #resolution: Resolution | undefined;
  #canaryPercent: number | undefined;
  /** Whether an instance served at the last change. */
  #served = false;
  /** When the last serving instance said that it leaves; undefined while one serves. */
  #leftAt: number | undefined;
  /** Whether no pick has to wait for the first connections or to start one. */
  #connected = false;

  constructor(options: EndpointPoolOptions) {
    const { clock, random, balancing, position = () => 0 } = options;
    this.#options = options;
    this.#clock = clock;
    this.#slowStart = new SlowStart(options);
    this.#lookup = new Lookup(options);
    this.#subchannels = new Subchannels({
      ...options,
      position,
      slowStart: this.#slowStart,
      subset: subsetOf(options),
      onState: (subchannel, state, broke) => this.#onState(subchannel, state, broke),
      onChange: () => this.#changed(),
    });
    ({ outliers: this.#outliers, loads: this.#loads, pickers: this.#pickers } = pickingBy(balancing, options));
    this.#ring = ringOf(balancing, options);
    this.#onDemand = new ConnectOnDemand(random);
    this.#firstConnections = new FirstConnections({ clock, onEnd: () => this.#onFirstConnectionsEnd() });
  }

  /** Replaces the balancing. The subset stays. Ejected instances stay ejected, and the counts of their failures begin anew. */
  rebalance(balancing: Balancing): void {
    ({ outliers: this.#outliers, loads: this.#loads, pickers: this.#pickers } = pickingBy(balancing, this.#options));
    this.#ring = ringOf(balancing, this.#options);
    this.#slowStart.balancing = balancing;
    this.#changed();
  }

  /** Sets the percentage of calls that the canaries get; undefined: what their labels say. */
  overrideCanaries(percent: number | undefined): void {
    if (percent === this.#canaryPercent) return;
    this.#canaryPercent = percent;
    if (this.#resolution !== undefined) this.onResolution({ ...this.#resolution, departed: [] });
  }

  /** Resolves when the first lookup has ended, well or badly; undefined if it has. */
  known(): Promise<void> | undefined {
    return this.#lookup.known();
  }

  /** How long a call may wait for the successor of the last instance, if that has said that it leaves. Milliseconds. */
  get successorMs(): number {
    return this.#leftAt === undefined || this.closed ? 0 : Math.max(0, this.#leftAt + SUCCESSOR_MS - this.#clock.now());
  }

  /** Whether it takes no more calls. */
  get closed(): boolean {
    return this.#lookup.closed;
  }

  /** Whether the first calls wait until the connections of a small pool have been made. */
  get connectingFirst(): boolean {
    return this.#firstConnections.active;
  }

  /** Calls `listener` at each change of what can be picked, until the returned function is called. */
  onChange(listener: () => void): () => void {
    return this.#changes.listen(listener);
  }

  get subchannels(): readonly Subchannel[] {
    return this.#subchannels.all;
  }

  /** The subchannel of an instance; undefined if the instance is unknown. */
  find(instanceId: string): Subchannel | undefined {
    return this.#subchannels.find(instanceId);
  }

  /** Why a call fails while no instance is known, as `UNAVAILABLE`; undefined if one is known. */
  noInstanceError(): RpcError | undefined {
    return this.#subchannels.size === 0 ? this.#lookup.noInstanceError() : undefined;
  }

  /**
   * Picks a connected instance for a call of `method`. Undefined: there is none now. The call may wait for one of
   * {@link connectable}, or for {@link successorMs}.
   *
   * A candidate that is set aside is picked as a probe, or when no other instance is left or connecting.
   *
   * @throws RpcError `UNAVAILABLE` if no instance is known at all.
   */
  pick(method: Method, call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (this.#subchannels.size === 0) {
      if (this.successorMs > 0) return undefined;
      throw this.#lookup.noInstanceError();
    }
    if (!this.#connected) {
      if (this.#firstConnections.active && this.connectable(method, call).length > 0) return undefined;
      this.#onDemand.onPick();
    }
    if (this.#ring !== undefined && this.#awaitsOwner(method, call)) return undefined;
    const picker = this.#pickers.of(method);
    const candidate = picker.pick(call);
    if (candidate !== undefined) {
      this.#subchannels.onPick();
      return candidate;
    }
    const connectable = this.connectable(method, call);
    if (connectable.length > 0) {
      this.#onDemand.onWait(connectable);
      return undefined;
    }
    const setAside = call.tried.length === (call.avoided ?? 0) ? picker.pickSetAside(call) : undefined;
    if (setAside !== undefined) this.#subchannels.onPick();
    return setAside;
  }

  /** The instance that a key belongs to, connected or about to be; undefined if it has none. */
  owner(key = ''): Subchannel | undefined {
    if (this.#ring === undefined || key === '') return undefined;
    const mayOwn = (one: Subchannel) => one.mayOwn && trafficGroupOf(one.endpoint) === STABLE;
    this.#owners ??= this.#ring.over(this.#subchannels.inUse.filter(mayOwn).map(asOwner));
    const owner = this.#owners.pick({ hashKey: key, tried: [] });
    return owner && this.find(owner.id);
  }

  /** The subchannels that a call can wait for: not tried, not connected yet or silent, and not known to fail. */
  connectable(method: Method, call: Pick<PickCall<MethodCandidate>, 'tried' | 'version'>): readonly Subchannel[] {
    return this.#subchannels.connectable(method, call);
  }

  /** Whether a call can be made at an instance that it has not tried, without waiting. */
  canPick(method: Method, call: PickCall<MethodCandidate>): boolean {
    return this.#subchannels.canPick(method, call);
  }

  /** Whether every serving instance refuses the method: of one version, if the call asks for one. */
  refusedByAll(method: Method, version?: string): boolean {
    return this.#subchannels.refusedByAll(method, version);
  }

  /** Why calls of the method at `path` also go to failing instances (panic mode); undefined if they don't. */
  panic(path: string): string | undefined {
    return this.#outliers.panic(path);
  }

  /** The paths of the methods in panic mode. */
  get panics(): readonly string[] {
    return this.#outliers.panics;
  }

  onBegin(candidate: MethodCandidate): boolean {
    this.stats.begun += 1;
    candidate.subchannel.stats.begun += 1;
    return candidate.begin();
  }

  onAnswer(candidate: MethodCandidate, probe: boolean): void {
    const { subchannel, path } = candidate;
    const served = subchannel.refusals.clear(path);
    const readmitted = probe && this.#outliers.onStream(candidate, this.#clock.now());
    if (served || readmitted) this.#changed();
  }

  onEnd(candidate: MethodCandidate, outcome: AttemptOutcome, unary = true): void {
    const { subchannel, path } = candidate;
    const { trailer, refusal } = outcome;
    candidate.end();
    this.stats.end(outcome, unary);
    subchannel.stats.end(outcome, unary);
    this.#loads?.note(candidate, trailer);
    this.#subchannels.onEnd(subchannel);
    const reranked = this.#outliers.onEnd(candidate, outcome);
    if (refusal !== undefined) subchannel.refusals.note(path, refusal, this.#clock.now());
    if (reranked || refusal !== undefined) this.#changed();
  }

  onResolution(resolution: Resolution): void {
    if (this.#lookup.closed) return;
    this.#resolution = resolution;
    const replaced = this.#subchannels.onResolution(withCanaries(resolution, this.#canaryPercent));
    this.#lookup.onResolution();
    if (replaced && this.#subchannels.small) this.#firstConnections.begin();
    this.#subchannels.connectEarly();
    this.#changed();
  }

  onFailure(reason: string): void {
    this.#lookup.onFailure(reason);
  }

  onPending(): void {
    this.#lookup.onPending(this.#subchannels.size > 0);
  }

  /** The client's position has changed. */
  onPosition(): void {
    if (this.#lookup.closed || !this.#subchannels.hasSubset) return;
    this.#subchannels.chooseSubset();
    this.#subchannels.connectEarly();
    this.#changed();
  }

  /** Closes all connections. Calls that wait for an instance fail. */
  close(): void {
    this.#lookup.close();
    this.#subchannels.close();
    this.#changed();
  }

  /** Whether the call has to wait until the owner of its key is connected. */
  #awaitsOwner(method: Method, call: PickCall<MethodCandidate>): boolean {
    if (call.tried.length > 0 || call.version !== undefined) return false;
    const owner = this.owner(call.hashKey);
    if (owner === undefined || owner.ready || !this.connectable(method, call).includes(owner)) return false;
    if (owner.transport.state === 'idle') owner.connect();
    return true;
  }

  #onState(subchannel: Subchannel, state: ConnectivityState, broke: boolean): void {
    if (broke) this.#outliers.onBreak(subchannel, this.#clock.now());
    if (state === 'ready') this.#loads?.forget(subchannel.candidates);
  }

  /** Which instances can be picked has changed. */
  #changed(): void {
    this.#subchannels.fillSubset();
    const { inUse, all } = this.#subchannels;
    this.#owners = undefined;
    const serves = all.some(({ serving, healthy }) => serving && healthy);
    if (serves) this.#leftAt = undefined;
    else if (this.#served && this.#hasLeft(all)) this.#leftAt = this.#clock.now();
    this.#served = serves;
    this.#pickers.update(inUse);
    this.#onDemand.update(inUse);
    this.#firstConnections.update(inUse);
    this.#connected = !this.#firstConnections.active && !this.#onDemand.pending;
    this.#changes.notify();
  }

  /** Whether an instance has said that it leaves: to the registry, or by its health. */
  #hasLeft(all: readonly Subchannel[]): boolean {
    const isLeaving = ({ endpoint, healthy }: Subchannel) => endpoint.state === 'draining' || !healthy;
    return (this.#resolution?.departed.length ?? 0) > 0 || all.some(isLeaving);
  }

  #onFirstConnectionsEnd(): void {
    this.#connected = !this.#onDemand.pending;
    this.#changes.notify();
  }
}

/** What decides which instance is picked. */
interface Picking {
  readonly outliers: OutlierDetector;
  readonly loads: LoadReports | undefined;
  readonly pickers: MethodPickers;
}

function pickingBy(balancing: Balancing, options: EndpointPoolOptions): Picking {
  const { clock, random } = options;
  const { policy, weights, hashBalanceFactor } = balancing;
  const { affinity, create } = POLICIES[policy];
  const outliers = new OutlierDetector({ random, affinity });
  const loads = weights === 'load' ? new LoadReports(clock) : undefined;
  const createPolicy = () => create({ random, zone: options.zone, weights, hashBalanceFactor });
  return { outliers, loads, pickers: new MethodPickers({ clock, random, createPolicy, weights, outliers }) };
}

/** Without a bound of the load, so that a key's owner stays the same however busy it is. */
function ringOf({ policy, weights }: Balancing, { random, zone }: EndpointPoolOptions): BalancingPolicy | undefined {
  const { affinity, create } = POLICIES[policy];
  return affinity === 'key' ? create({ random, zone, weights }) : undefined;
}

/** An instance as a possible owner of keys, however new or busy it is. */
function asOwner({ endpoint: { instanceId: id, zone, weight } }: Subchannel): Candidate {
  return { id, zone, weight, loadWeight: undefined, ramp: 1, inFlight: 0 };
}

function subsetOf({ balancing: { policy, subsetSize: size }, zone }: EndpointPoolOptions): SubsetWindow | undefined {
  return size === undefined
    ? undefined
    : new SubsetWindow({ size, zone: POLICIES[policy].affinity === 'zone' ? zone : '' });
}

/** Announces changes. */
class Changes {
  readonly #listeners = new Set<() => void>();

  /** Calls `listener` at each change, until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
