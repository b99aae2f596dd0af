import { createPolicy } from '../balancer/create-policy.js';
import type { PickCall } from '../balancer/picker.js';
import type { Clock, Random } from '../clock/index.js';
import type { Balancing, Method } from '../contract/index.js';
import type { Resolution, ResolverListener } from '../resolver/index.js';
import type { RpcError } from '../status/index.js';
import type { ConnectivityState, TransportFactory } from '../transport/index.js';
import { LoadReports } from './load-weight.js';
import type { Member } from './subchannel.js';
import type { Refusal } from './refusals.js';
import { SlowStart } from './slow-start.js';
import type { Target, TryOutcome } from './method-subchannel.js';
import { Outliers } from './outlier-detection/outlier-detector.js';
import { Selection } from './picker.js';
import { SubsetWindow } from './subset.js';
import { Lookup } from './lookup.js';
import { Opening } from './first-connections.js';
import { Roster } from './subchannels.js';

/** What a group is made from. */
export interface EndpointGroupOptions {
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
export class EndpointGroup implements ResolverListener {
  readonly #clock: Clock;
  readonly #lookup: Lookup;
  readonly #roster: Roster;
  readonly #outliers: Outliers;
  /** Undefined where nobody is balanced by them. */
  readonly #loads: LoadReports | undefined;
  readonly #selection: Selection;
  readonly #opening: Opening;
  readonly #changes = new Changes();

  constructor(options: EndpointGroupOptions) {
    const { clock, random, balancing, position = () => 0 } = options;
    this.#clock = clock;
    this.#lookup = new Lookup(options);
    this.#roster = new Roster({
      ...options,
      position,
      slowStart: new SlowStart(options),
      subset: subsetOf(options),
      onState: (member, state, broke) => this.#onState(member, state, broke),
      onChange: () => this.#changed(),
    });
    this.#outliers = new Outliers({ random, policy: balancing.policy });
    this.#loads = balancing.weights === 'load' ? new LoadReports(clock) : undefined;
    this.#selection = new Selection({
      clock,
      random,
      createPolicy: () => createPolicy(balancing, options),
      weights: balancing.weights,
      outliers: this.#outliers,
    });
    this.#opening = new Opening({ clock, onEnd: () => this.#changes.tell() });
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
  get opening(): boolean {
    return this.#opening.active;
  }

  /** Calls `listener` at each change of what can be picked, until the function returned is called. */
  onChange(listener: () => void): () => void {
    return this.#changes.listen(listener);
  }

  /** All endpoints there are. */
  get members(): readonly Member[] {
    return this.#roster.members;
  }

  /** The endpoint of that name; undefined where there is none. */
  find(instanceId: string): Member | undefined {
    return this.#roster.find(instanceId);
  }

  /** What a call gets where no instance is known at all: `UNAVAILABLE`; undefined where one is. */
  whyNobody(): RpcError | undefined {
    return this.#roster.size === 0 ? this.#lookup.whyNobody() : undefined;
  }

  /**
   * An endpoint for a call of `method`, connected, where it hasn't been yet; undefined where there is none.
   *
   * @throws RpcError `UNAVAILABLE` where no instance is known at all.
   */
  pick(method: Method, call: PickCall<Target>): Target | undefined {
    if (this.#roster.size === 0) throw this.#lookup.whyNobody();
    if (this.#opening.active && this.coming(method, call).length > 0) return undefined;
    const target = this.#selection.pick(method, call);
    if (target !== undefined) this.#roster.onPick();
    return target;
  }

  /** The endpoints of which one may be picked after a change: none, where waiting is for nothing. */
  coming(method: Method, call: Pick<PickCall<Target>, 'tried' | 'version'>): readonly Member[] {
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

  /** A try begins at `target`. Gives whether it is a probe: what it meets decides how long its target stays ejected. */
  onBegin(target: Target): boolean {
    return target.begin();
  }

  /** The stream that answers a probe has begun. */
  onStream(target: Target): void {
    if (this.#outliers.onStream(target, this.#clock.now())) this.#changed();
  }

  /** A try has ended, all of its response with it. */
  onEnd(target: Target, outcome: TryOutcome): void {
    target.end();
    this.#loads?.note(target, outcome.trailer);
    this.#roster.onEnd(target.member);
    if (this.#outliers.onEnd(target, outcome)) this.#changed();
  }

  /** Notes that a target has answered. */
  onAnswer({ member, path }: Target): void {
    if (member.refusals.clear(path)) this.#changed();
  }

  /** Notes that it has refused a call. */
  onRefusal({ member, path }: Target, refusal: Refusal): void {
    member.refusals.note(path, refusal, this.#clock.now());
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
    if (this.#lookup.closed || !this.#roster.partial) return;
    this.#roster.focus();
    this.#roster.connectEarly();
    this.#changed();
  }

  /** No more picks: calls that wait for one fail. */
  close(): void {
    this.#lookup.close();
    this.#roster.close();
    this.#changed();
  }

  #onState(member: Member, state: ConnectivityState, broke: boolean): void {
    if (broke) this.#outliers.onBreak(member, this.#clock.now());
    if (state === 'ready') this.#loads?.forget(member.targets);
  }

  /** Who can be picked has changed. */
  #changed(): void {
    this.#roster.refill();
    const { used } = this.#roster;
    this.#selection.update(used);
    this.#opening.update(used);
    this.#changes.tell();
  }
}

function subsetOf({ balancing: { policy, subsetSize: size }, zone }: EndpointGroupOptions): SubsetWindow | undefined {
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
  tell(): void {
    this.#settle?.();
    this.#settle = undefined;
    this.#next = undefined;
    for (const listener of [...this.#listeners]) listener();
  }
}
