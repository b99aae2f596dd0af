import { createPolicy } from '../balancer/create-policy.js';
import type { PickCall } from '../balancer/picker.js';
import type { Clock, Random } from '../clock/index.js';
import type { Balancing, Method } from '../contract/index.js';
import type { Resolution, ResolverListener } from '../resolver/index.js';
import type { RpcError } from '../status/index.js';
import type { ConnectivityState, TransportFactory } from '../transport/index.js';
import { FirstConnections } from './first-connections.js';
import { LoadReports } from './load-weight.js';
import { Lookup } from './lookup.js';
import type { AttemptOutcome, MethodCandidate } from './method-candidate.js';
import { OutlierDetector } from './outlier-detection/outlier-detector.js';
import { ServicePicker } from './picker.js';
import type { Refusal } from './refusals.js';
import { SlowStart } from './slow-start.js';
import type { Subchannel } from './subchannel.js';
import { Subchannels } from './subchannels.js';
import { SubsetWindow } from './subset.js';

/** What a pool is made from. */
export interface EndpointPoolOptions {
  readonly service: string;
  /** Where its endpoints come from, for messages. */
  readonly source: string;
  readonly transport: TransportFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly balancing: Balancing;
  /** Where this process runs, as `region/zone`; empty where nobody said. */
  readonly zone: string;
  /** Where its client stands among its like, in [0, 1), where it uses a part of many endpoints. */
  readonly position?: () => number;
  /** Whether what each endpoint says of its own health is watched. */
  readonly healthCheck: boolean;
}

/**
 * The endpoints of one service: keeps their connections and picks one a call. What comes in, from the resolver, from
 * connections and from calls that end, goes to who keeps it; where that changes who can be picked, the selection is made
 * anew and those that wait are told.
 */
export class EndpointPool implements ResolverListener {
  readonly #clock: Clock;
  readonly #lookup: Lookup;
  readonly #roster: Subchannels;
  readonly #outliers: OutlierDetector;
  /** Undefined where nobody is balanced by them. */
  readonly #loads: LoadReports | undefined;
  readonly #selection: ServicePicker;
  readonly #opening: FirstConnections;
  readonly #changes = new Changes();

  constructor(options: EndpointPoolOptions) {
    const { clock, random, balancing, position = () => 0 } = options;
    this.#clock = clock;
    this.#lookup = new Lookup(options);
    this.#roster = new Subchannels({
      ...options,
      position,
      slowStart: new SlowStart(options),
      subset: subsetOf(options),
      onState: (subchannel, state, broke) => this.#onState(subchannel, state, broke),
      onChange: () => this.#changed(),
    });
    this.#outliers = new OutlierDetector({ random, policy: balancing.policy });
    this.#loads = balancing.weights === 'load' ? new LoadReports(clock) : undefined;
    this.#selection = new ServicePicker({
      clock,
      random,
      createPolicy: () => createPolicy(balancing, options),
      weights: balancing.weights,
      outliers: this.#outliers,
    });
    this.#opening = new FirstConnections({ clock, onEnd: () => this.#changes.notify() });
  }

  /** Resolves once something is known: at once, unless it's the first call. */
  known(): Promise<void> | undefined {
    return this.#lookup.known();
  }

  /** Resolves at the next change of what can be picked. */
  changed(): Promise<void> {
    return this.#changes.next;
  }

  /** Whether the first calls are waiting for connections that are being made at once. */
  get connectingFirst(): boolean {
    return this.#opening.active;
  }

  /** Calls `listener` at each change of what can be picked, until the function returned is called. */
  onChange(listener: () => void): () => void {
    return this.#changes.listen(listener);
  }

  /** All endpoints there are. */
  get subchannels(): readonly Subchannel[] {
    return this.#roster.all;
  }

  /** The endpoint of that name; undefined where there is none. */
  find(instanceId: string): Subchannel | undefined {
    return this.#roster.find(instanceId);
  }

  /** What a call gets where no instance is known at all: `UNAVAILABLE`; undefined where one is. */
  noInstanceError(): RpcError | undefined {
    return this.#roster.size === 0 ? this.#lookup.noInstanceError() : undefined;
  }

  /**
   * An endpoint for a call of `method`, connected, where it hasn't been yet; undefined where there is none.
   *
   * @throws RpcError `UNAVAILABLE` where no instance is known at all.
   */
  pick(method: Method, call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (this.#roster.size === 0) throw this.#lookup.noInstanceError();
    if (this.#opening.active && this.connectable(method, call).length > 0) return undefined;
    const candidate = this.#selection.pick(method, call);
    if (candidate !== undefined) this.#roster.onPick();
    return candidate;
  }

  /** The endpoints of which one may be picked after a change: none, where waiting is for nothing. */
  connectable(method: Method, call: Pick<PickCall<MethodCandidate>, 'tried' | 'version'>): readonly Subchannel[] {
    return this.#selection.coming(method, call);
  }

  /** Whether all that serve, of `version` where one is asked for, refuse calls of this method. */
  refusedByAll(method: Method, version?: string): boolean {
    return this.#selection.refusedByAll(method, version);
  }

  /** Why calls of the method at `path` go also to instances that fail; undefined where they don't. */
  panic(path: string): string | undefined {
    return this.#outliers.panic(path);
  }

  /** The paths of the methods of which that is so. */
  get panics(): readonly string[] {
    return this.#outliers.panics;
  }

  /** A try begins at `candidate`. Gives whether it is a probe: what it meets decides how long its candidate stays ejected. */
  onBegin(candidate: MethodCandidate): boolean {
    return candidate.begin();
  }

  /** The stream that answers a probe has begun. */
  onStream(candidate: MethodCandidate): void {
    if (this.#outliers.onStream(candidate, this.#clock.now())) this.#changed();
  }

  /** A try has ended, all of its response with it. */
  onEnd(candidate: MethodCandidate, outcome: AttemptOutcome): void {
    candidate.end();
    this.#loads?.note(candidate, outcome.trailer);
    this.#roster.onEnd(candidate.subchannel);
    if (this.#outliers.onEnd(candidate, outcome)) this.#changed();
  }

  /** Notes that a candidate has answered. */
  onAnswer({ subchannel, path }: MethodCandidate): void {
    if (subchannel.refusals.clear(path)) this.#changed();
  }

  /** Notes that it has refused a call. */
  onRefusal({ subchannel, path }: MethodCandidate, refusal: Refusal): void {
    subchannel.refusals.note(path, refusal, this.#clock.now());
    this.#changed();
  }

  onResolution(resolution: Resolution): void {
    if (this.#lookup.closed) return;
    const renewed = this.#roster.onResolution(resolution);
    this.#lookup.onResolution();
    if (renewed && this.#roster.small) this.#opening.begin();
    this.#roster.connectEarly();
    this.#changed();
  }

  onFailure(reason: string): void {
    this.#lookup.onFailure(reason);
  }

  onPending(): void {
    this.#lookup.onPending(this.#roster.size > 0);
  }

  /** The client's position has changed. */
  onPosition(): void {
    if (this.#lookup.closed || !this.#roster.hasSubset) return;
    this.#roster.chooseSubset();
    this.#roster.connectEarly();
    this.#changed();
  }

  /** No more picks: calls that wait for one fail. */
  close(): void {
    this.#lookup.close();
    this.#roster.close();
    this.#changed();
  }

  #onState(subchannel: Subchannel, state: ConnectivityState, broke: boolean): void {
    if (broke) this.#outliers.onBreak(subchannel, this.#clock.now());
    if (state === 'ready') this.#loads?.forget(subchannel.candidates);
  }

  /** Who can be picked has changed. */
  #changed(): void {
    this.#roster.fillSubset();
    const { inUse } = this.#roster;
    this.#selection.update(inUse);
    this.#opening.update(inUse);
    this.#changes.notify();
  }
}

function subsetOf({ balancing: { policy, subsetSize: size }, zone }: EndpointPoolOptions): SubsetWindow | undefined {
  return size === undefined ? undefined : new SubsetWindow({ size, zone: policy === 'zone_aware' ? zone : '' });
}

/** Tells of changes: those that wait for the next one, and those that listen to all. */
class Changes {
  readonly #listeners = new Set<() => void>();
  #next: Promise<void> | undefined;
  #settle: (() => void) | undefined;

  /** Resolves at the next change. */
  get next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      this.#settle = resolve;
    });
    return this.#next;
  }

  /** Calls `listener` at each change, until the function returned is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something has changed. */
  notify(): void {
    this.#settle?.();
    this.#settle = undefined;
    this.#next = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}
