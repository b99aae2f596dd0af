import type { BalancingPolicy, PickCall } from '../../balancer/picker.js';
import type { Method } from '../../contract/index.js';
import type { Endpoint } from '../../resolver/index.js';
import { groupBy } from '../group-by.js';
import type { Target } from '../member/target.js';
import { Lane } from './lane.js';
import { groupOf, portionsOf, STABLE, versionGroup } from './traffic-groups.js';

/** What a split is made with. */
export interface TrafficSplitOptions {
  /** The policy by which a group's calls are shared out. */
  readonly policyOf: (group: string) => BalancingPolicy;
  /** Those that could be expected to take calls, whether they do or not. */
  readonly capacity: readonly Endpoint[];
  /** Gives the place of the next call, from 0 to 1: which canaries it falls to. */
  readonly place: () => number;
  /** When weights may have changed, by the channel's clock; never, where that is infinity. */
  readonly until: number;
}

/** Canaries that get a portion of the calls together, and a lane of their own. */
interface Canaries {
  readonly group: string;
  /** Calls fall to them whose place is below it, and not below that of the canaries before them. */
  readonly upTo: number;
  readonly lane: Lane;
}

/**
 * The lanes of one method's calls: that of the stable instances, one for each group of canaries, and one for each
 * version that is asked for.
 */
export class TrafficSplit {
  /** When another is to take its place, though nothing else has changed. */
  readonly until: number;
  readonly #targets: readonly Target[];
  readonly #options: TrafficSplitOptions;
  readonly #stable: Lane;
  readonly #canaries: readonly Canaries[];
  readonly #versions = new Map<string, Lane>();
  #byVersion: ReadonlyMap<string, readonly Target[]> | undefined;

  /** @param targets are the connected ones. */
  constructor(targets: readonly Target[], options: TrafficSplitOptions) {
    this.until = options.until;
    this.#targets = targets;
    this.#options = options;
    const groups = groupBy(targets, ({ endpoint }) => groupOf(endpoint));
    this.#stable = this.#laneOf(STABLE, groups.get(STABLE) ?? []);
    this.#canaries = this.#split(groups);
  }

  /** One that takes the call, where its group has one, and else of another group; of the version that it asks for alone. */
  pick(method: Method, call: PickCall<Target>, now: () => number): Target | undefined {
    if (call.version !== undefined) return this.#versionLane(call.version)?.pick(method, call, now);
    if (this.#canaries.length === 0) return this.#stable.pick(method, call, now);
    const own = this.#laneFor(call);
    return own.pick(method, call, now) ?? this.#elsewhere(own, (lane) => lane.pick(method, call, now));
  }

  /** One of those that are set aside: for a call that would have nobody else. */
  pickAside(call: PickCall<Target>): Target | undefined {
    if (call.version !== undefined) return this.#versionLane(call.version)?.pickAside(call);
    return this.#stable.pickAside(call) ?? this.#elsewhere(this.#stable, (lane) => lane.pickAside(call));
  }

  /** A further try stays where the first was. */
  #laneFor({ tried: [first] }: PickCall<Target>): Lane {
    if (first !== undefined) {
      const group = groupOf(first.endpoint);
      return this.#canaries.find((canaries) => canaries.group === group)?.lane ?? this.#stable;
    }
    const place = this.#options.place();
    for (const { upTo, lane } of this.#canaries) if (place < upTo) return lane;
    return this.#stable;
  }

  #elsewhere(own: Lane, pick: (lane: Lane) => Target | undefined): Target | undefined {
    const stable = own === this.#stable ? undefined : pick(this.#stable);
    if (stable !== undefined) return stable;
    for (const { lane } of this.#canaries) {
      const target = lane === own ? undefined : pick(lane);
      if (target !== undefined) return target;
    }
    return undefined;
  }

  #split(groups: ReadonlyMap<string, readonly Target[]>): readonly Canaries[] {
    let below = 0;
    return [...portionsOf(groups)].flatMap(([name, portion]) => {
      if (name === STABLE || portion === 0) return [];
      below += portion;
      return { group: name, upTo: below, lane: this.#laneOf(name, groups.get(name) ?? []) };
    });
  }

  /** Undefined where none is of that version. */
  #versionLane(version: string): Lane | undefined {
    const made = this.#versions.get(version);
    if (made !== undefined) return made;
    this.#byVersion ??= groupBy(this.#targets, ({ endpoint }) => endpoint.version);
    const targets = this.#byVersion.get(version);
    if (targets === undefined) return undefined;
    const capacity = this.#options.capacity.filter((endpoint) => endpoint.version === version);
    const lane = new Lane(targets, { ...this.#laneOptions(versionGroup(version)), capacity });
    this.#versions.set(version, lane);
    return lane;
  }

  #laneOf(name: string, targets: readonly Target[]): Lane {
    const capacity = this.#options.capacity.filter((endpoint) => groupOf(endpoint) === name);
    return new Lane(targets, { ...this.#laneOptions(name), capacity });
  }

  #laneOptions(name: string) {
    return { policy: this.#options.policyOf(name), until: this.until };
  }
}
