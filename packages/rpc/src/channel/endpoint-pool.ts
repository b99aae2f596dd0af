import type { Clock, Random } from '@rondo/base';
import type { PickCall } from '../balancer/picker.js';
import { type Balancing, POLICIES } from '../contract/balancing.js';
import type { Method } from '../contract/method.js';
import { withCanaries } from '../resolver/canary.js';
import type { Resolution, ResolverListener } from '../resolver/resolver.js';
import type { RpcError } from '../status/rpc-error.js';
import type { ConnectivityState } from '../transport/transport.js';
import type { AttemptListener } from './attempt.js';
import { Connecting } from './connecting.js';
import type { Connections } from './connections.js';
import { KeyOwners } from './key-owners.js';
import { LoadReports } from './load-weight.js';
import { Lookup } from './lookup.js';
import { OutlierDetector } from './outlier-detector.js';
import { type MethodPicker, MethodPickers } from './picker.js';
import { type ChannelPolicies, createPolicyOf, type Subset } from './policies.js';
import { SlowStart } from './slow-start.js';
import type { Subchannel } from './subchannel.js';
import { type AttemptOutcome, AttemptStats, type MethodCandidate } from './subchannel.js';
import { Subchannels } from './subchannels.js';

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
  /** The policies of the plugin, if the channel has it. */
  readonly policies?: ChannelPolicies | undefined;
  /** Chooses the instances that the client calls; missing for all. */
  readonly subset?: Subset | undefined;
  /** Whether the pool watches the health of each instance (`grpc.health.v1.Health`). */
  readonly healthCheck: boolean;
}

/**
 * The endpoints of one service: keeps a subchannel for each and picks one for each call. The resolver, the subchannels
 * and the calls report to the pool. When a report changes which instances can be picked, the pool replaces its pickers
 * and wakes the calls that wait.
 */
export class EndpointPool implements ResolverListener, AttemptListener {
  readonly #options: EndpointPoolOptions;
  readonly lookup: Lookup;
  /** The instances that are known. */
  readonly instances: Subchannels;
  readonly #slowStart: SlowStart;
  /** What decides which instance is picked. */
  #picking: Picking;
  readonly connecting: Connecting;
  readonly #listeners = new Set<() => void>();
  #picked = false;
  /** The attempts at all instances, also at those that have left. */
  readonly stats = new AttemptStats();
  /** The last resolution, and the percentage that replaces those of its canaries. */
  #resolution: Resolution | undefined;
  #canaryPercent: number | undefined;

  constructor(options: EndpointPoolOptions) {
    const { clock, random, balancing, subset } = options;
    this.#options = options;
    this.#slowStart = new SlowStart(options);
    this.lookup = new Lookup(options);
    this.instances = new Subchannels({
      ...options,
      subset,
      slowStart: this.#slowStart,
      hasPicked: () => this.#picked,
      onState: (subchannel, state, broke) => this.#onState(subchannel, state, broke),
      onChange: () => this.#changed(),
    });
    this.#picking = pickingBy(balancing, this.instances, options);
    this.connecting = new Connecting({ clock, random, onEnd: () => this.#notify() });
  }

  /** Replaces the balancing. The subset stays. Ejected instances stay ejected, and the counts of their failures begin anew. */
  rebalance(balancing: Balancing): void {
    this.#picking = pickingBy(balancing, this.instances, this.#options);
    this.#slowStart.balancing = balancing;
    this.#changed();
  }

  /** Sets the percentage of calls that the canaries get; undefined: what their labels say. */
  overrideCanaries(percent: number | undefined): void {
    if (percent === this.#canaryPercent) return;
    this.#canaryPercent = percent;
    if (this.#resolution !== undefined) this.onResolution({ ...this.#resolution, departed: [] });
  }

  /** Calls `listener` at each change of what can be picked, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Why a call fails while no instance is known, as `UNAVAILABLE`; undefined if one is known. */
  noInstanceError(): RpcError | undefined {
    return this.instances.size === 0 ? this.lookup.noInstanceError() : undefined;
  }

  /**
   * Picks a connected instance for a call of `method`. Undefined: there is none now. The call may wait for one of
   * `instances.connectable`, or for `lookup.successorMs`.
   *
   * A candidate that is set aside is picked as a probe, or when no other instance is left or connecting.
   *
   * @throws RpcError `UNAVAILABLE` if no instance is known at all.
   */
  pick(method: Method, call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (!this.connecting.done) {
      if (this.connecting.holdsFirst && this.instances.connectable(method, call).length > 0) return undefined;
      this.connecting.onPick();
    }
    const { owners, pickers } = this.#picking;
    if (owners?.awaitsOwner(method, call)) return undefined;
    const picker = pickers.of(method);
    const candidate = picker.pick(call) ?? this.#pickSetAside(method, call, picker);
    this.#picked ||= candidate !== undefined;
    return candidate;
  }

  /** Picks for a call that no instance takes as usual: none if it can wait for one. */
  #pickSetAside(method: Method, call: PickCall<MethodCandidate>, picker: MethodPicker): MethodCandidate | undefined {
    if (this.instances.size === 0) {
      if (this.lookup.successorMs > 0) return undefined;
      throw this.lookup.noInstanceError();
    }
    const connectable = this.instances.connectable(method, call);
    if (connectable.length === 0) {
      return call.tried.length === (call.avoided ?? 0) ? picker.pickSetAside(call) : undefined;
    }
    this.connecting.onWait(connectable);
    return undefined;
  }

  /** The instance that a key belongs to, connected or about to be; undefined if it has none. */
  owner(key = ''): Subchannel | undefined {
    return this.#picking.owners?.of(key);
  }

  /** The detector of instances that do worse than the others. */
  get outliers(): OutlierDetector {
    return this.#picking.outliers;
  }

  onBegin(candidate: MethodCandidate): boolean {
    this.stats.begun += 1;
    candidate.subchannel.stats.begun += 1;
    candidate.inFlight += 1;
    candidate.picks += 1;
    return candidate.ejected;
  }

  onAnswer(candidate: MethodCandidate, probe: boolean): void {
    const { subchannel, path } = candidate;
    const served = subchannel.refusals.clear(path);
    const readmitted = probe && this.outliers.onStream(candidate, this.#options.clock.now());
    if (served || readmitted) this.#changed();
  }

  onEnd(candidate: MethodCandidate, outcome: AttemptOutcome, unary = true): void {
    const { subchannel, path } = candidate;
    const { answered, trailer, refusal } = outcome;
    const { loads, outliers } = this.#picking;
    candidate.inFlight -= 1;
    this.stats.end(outcome, unary);
    subchannel.stats.end(outcome, unary);
    loads?.note(candidate, trailer);
    const reranked = outliers.onEnd(candidate, outcome);
    if (refusal !== undefined) subchannel.refusals.note(path, refusal, this.#options.clock.now());
    const served = answered === true && subchannel.refusals.clear(path);
    if (reranked || served || refusal !== undefined) this.#changed();
  }

  onResolution(resolution: Resolution): void {
    if (this.lookup.closed) return;
    this.#resolution = resolution;
    const replaced = this.instances.onResolution(withCanaries(resolution, this.#canaryPercent));
    this.lookup.onResolution();
    if (replaced && this.instances.small) this.connecting.begin();
    this.instances.connectEarly();
    this.#changed();
  }

  onFailure(reason: string): void {
    this.lookup.onFailure(reason);
  }

  onPending(): void {
    this.lookup.onPending(this.instances.size > 0);
  }

  /** The subset has to be chosen again. */
  onSubsetMove(): void {
    if (this.lookup.closed || !this.instances.hasSubset) return;
    this.instances.chooseSubset();
    this.instances.connectEarly();
    this.#changed();
  }

  /** Closes all connections. Calls that wait for an instance fail. */
  close(): void {
    this.lookup.close();
    this.instances.close();
    this.#changed();
  }

  #onState(subchannel: Subchannel, state: ConnectivityState, broke: boolean): void {
    if (broke) this.outliers.onBreak(subchannel, this.#options.clock.now());
    if (state === 'ready') this.#picking.loads?.forget(subchannel.candidates);
  }

  /** Which instances can be picked has changed. */
  #changed(): void {
    this.instances.fillSubset();
    const { inUse } = this.instances;
    this.#picking.owners?.update();
    this.lookup.onServing(this.instances.anyServes, this.instances.anyLeaves);
    this.#picking.pickers.update(inUse);
    this.connecting.update(inUse);
    this.#notify();
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

type Picking = ReturnType<typeof pickingBy>;

function pickingBy(balancing: Balancing, instances: Subchannels, options: EndpointPoolOptions) {
  const { clock, random, zone, policies } = options;
  const { policy, weights, hashBalanceFactor } = balancing;
  const { affinity } = POLICIES[policy];
  const create = createPolicyOf(policy, policies);
  const outliers = new OutlierDetector({ random, affinity });
  const loads = weights === 'load' ? new LoadReports(clock) : undefined;
  const createPolicy = () => create({ random, zone, weights, hashBalanceFactor });
  const pickers = new MethodPickers({ clock, random, createPolicy, weights, outliers });
  // Without a bound of the load, so that a key's owner stays the same however busy it is.
  const owners = affinity === 'key' ? new KeyOwners(create({ random, zone, weights }), instances) : undefined;
  return { outliers, loads, pickers, owners };
}
