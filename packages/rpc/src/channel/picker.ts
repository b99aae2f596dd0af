import { evenPoints } from '../balancer/low-discrepancy.js';
import type { BalancingPolicy, Capacity, PickCall, Picker } from '../balancer/picker.js';
import type { Clock, Random } from '../clock/index.js';
import type { Balancing, Method } from '../contract/index.js';
import type { Endpoint } from '../resolver/index.js';
import { groupBy } from './group-by.js';
import type { MethodCandidate } from './method-candidate.js';
import type { OutlierDetector } from './outlier-detection/outlier-detector.js';
import type { Subchannel } from './subchannel.js';
import { mayServe, portionsOf, STABLE, trafficGroupOf, versionGroup } from './traffic-groups.js';

/** What a selection is made with. */
interface ServicePickerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Makes the policy of one group of instances. */
  readonly createPolicy: () => BalancingPolicy;
  readonly weights: Balancing['weights'];
  readonly outliers: OutlierDetector;
}

/** How long weights that change are taken as they were. Milliseconds. */
const REFRESH_MS = 250;

/** At most this many connections are being made at once where they are made as calls need them. */
const CONNECTS_AT_ONCE = 8;
/** So many at once where there is none: one that is mute keeps no call waiting. */
const FIRST_CONNECTS = 4;

/** Chooses who takes a call: one that is connected and willing, as the policy has it. */
export class ServicePicker {
  readonly #clock: Clock;
  readonly #policies: GroupPolicies;
  readonly #place: () => number;
  readonly #random: Random;
  readonly #weights: Balancing['weights'];
  readonly #outliers: OutlierDetector;
  readonly #lanes = new Map<string, MethodPicker>();
  #subchannels: readonly Subchannel[] = [];
  #ready: readonly Subchannel[] = [];
  /** Those that could be expected to take calls. */
  #capacity: readonly Endpoint[] = [];
  #idle: readonly Subchannel[] = [];

  constructor({ clock, random, createPolicy, weights, outliers }: ServicePickerOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#policies = new GroupPolicies(createPolicy);
    this.#place = evenPoints(random);
    this.#weights = weights;
    this.#outliers = outliers;
  }

  /** The subchannels have changed, or what they are ready for has. */
  update(subchannels: Iterable<Subchannel>): void {
    this.#subchannels = [...subchannels];
    this.#ready = this.#subchannels.filter(({ ready }) => ready);
    this.#capacity = this.#subchannels
      .filter(({ countsAsCapacity }) => countsAsCapacity)
      .map(({ endpoint }) => endpoint);
    this.#idle = this.#subchannels.filter((subchannel) => subchannel.serving && isIdle(subchannel));
    this.#lanes.clear();
    this.#policies.keep(this.#subchannels);
  }

  /**
   * One that is ready and not among those tried. One that is set aside is picked where it is to be asked again, and
   * where there is neither another nor hope of one. A pick that would fall on one that isn't connected yet starts its
   * connection, and goes to another meanwhile.
   */
  pick(method: Method, call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (this.#idle.length > 0) this.#connectMore();
    const lane = this.#laneOf(method);
    const candidate = lane.pick(method, call, this.#now);
    if (candidate !== undefined) return candidate;
    const connectable = this.coming(method, call);
    if (connectable.length === 0) return call.tried.length === 0 ? lane.pickAside(call) : undefined;
    // The call waits for one of them: somebody has to begin.
    if (connectable.every(isIdle)) connectAny(connectable, this.#random);
    return undefined;
  }

  /** Those that a call can wait for: not among `tried`, not connected yet, and not known to have failed. */
  coming(
    { path }: Method,
    { tried, version }: Pick<PickCall<MethodCandidate>, 'tried' | 'version'>,
  ): readonly Subchannel[] {
    const hopeful = (subchannel: Subchannel) =>
      subchannel.mayBecomeReady &&
      subchannel.refusals.ofMethod(path) === undefined &&
      mayServe(subchannel.endpoint, version);
    return this.#subchannels.filter(
      (subchannel) => hopeful(subchannel) && !tried.some((candidate) => candidate.subchannel === subchannel),
    );
  }

  /**
   * Whether there is nobody who takes calls of this method, but for what keeps them from being reached: among those of
   * `version`, where the call is for them alone.
   */
  refusedByAll({ path }: Method, version: string | undefined): boolean {
    const serving = this.#subchannels.filter(({ serving, endpoint }) => serving && mayServe(endpoint, version));
    return serving.every(({ refusals }) => refusals.ofMethod(path) !== undefined);
  }

  readonly #now = () => this.#clock.now();
  readonly #policyOf = (group: string) => this.#policies.of(group);

  #laneOf(method: Method): MethodPicker {
    const lane = this.#lanes.get(method.path);
    if (lane !== undefined && (lane.until === Number.POSITIVE_INFINITY || this.#clock.now() < lane.until)) return lane;
    return this.#open(method);
  }

  #open(method: Method): MethodPicker {
    const { path } = method;
    const candidates = this.#ready.map((subchannel) => subchannel.candidate(path));
    this.#outliers.settle(method, candidates);
    const lasting = this.#weights === 'static' && candidates.every(({ ramp }) => ramp === 1);
    const until = lasting ? Number.POSITIVE_INFINITY : this.#clock.now() + REFRESH_MS;
    const lane = new MethodPicker(candidates, {
      policyOf: this.#policyOf,
      capacity: this.#capacity,
      place: this.#place,
      until,
    });
    this.#lanes.set(path, lane);
    return lane;
  }

  /** Where nobody is connected, a few; else one, where this call's turn is one of theirs. */
  #connectMore(): void {
    const connecting = this.#subchannels.filter(({ transport }) => transport.state === 'connecting').length;
    if (this.#ready.length === 0) {
      for (let left = FIRST_CONNECTS - connecting; left > 0; left -= 1) connectAny(this.#idle, this.#random);
      return;
    }
    const theirs = this.#random.next() * (this.#idle.length + this.#ready.length) < this.#idle.length;
    if (theirs && connecting < CONNECTS_AT_ONCE) connectAny(this.#idle, this.#random);
  }
}

function isIdle({ transport }: Subchannel): boolean {
  return transport.state === 'idle';
}

function connectAny(idle: readonly Subchannel[], random: Random): void {
  const next = idle[Math.floor(random.next() * idle.length)];
  next?.connect();
}

/** What a split is made with. */
interface MethodPickerOptions {
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
class MethodPicker {
  /** When another is to take its place, though nothing else has changed. */
  readonly until: number;
  readonly #candidates: readonly MethodCandidate[];
  readonly #options: MethodPickerOptions;
  readonly #stable: Lane;
  readonly #canaries: readonly Canaries[];
  readonly #versions = new Map<string, Lane>();
  #byVersion: ReadonlyMap<string, readonly MethodCandidate[]> | undefined;

  /** @param candidates are the connected ones. */
  constructor(candidates: readonly MethodCandidate[], options: MethodPickerOptions) {
    this.until = options.until;
    this.#candidates = candidates;
    this.#options = options;
    const groups = groupBy(candidates, ({ endpoint }) => trafficGroupOf(endpoint));
    this.#stable = this.#laneOf(STABLE, groups.get(STABLE) ?? []);
    this.#canaries = this.#split(groups);
  }

  /** One that takes the call, where its group has one, and else of another group; of the version that it asks for alone. */
  pick(method: Method, call: PickCall<MethodCandidate>, now: () => number): MethodCandidate | undefined {
    if (call.version !== undefined) return this.#versionLane(call.version)?.pick(method, call, now);
    if (this.#canaries.length === 0) return this.#stable.pick(method, call, now);
    const own = this.#laneFor(call);
    return own.pick(method, call, now) ?? this.#elsewhere(own, (lane) => lane.pick(method, call, now));
  }

  /** One of those that are set aside: for a call that would have nobody else. */
  pickAside(call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (call.version !== undefined) return this.#versionLane(call.version)?.pickAside(call);
    return this.#stable.pickAside(call) ?? this.#elsewhere(this.#stable, (lane) => lane.pickAside(call));
  }

  /** A further try stays where the first was. */
  #laneFor({ tried: [first] }: PickCall<MethodCandidate>): Lane {
    if (first !== undefined) {
      const group = trafficGroupOf(first.endpoint);
      return this.#canaries.find((canaries) => canaries.group === group)?.lane ?? this.#stable;
    }
    const place = this.#options.place();
    for (const { upTo, lane } of this.#canaries) if (place < upTo) return lane;
    return this.#stable;
  }

  #elsewhere(own: Lane, pick: (lane: Lane) => MethodCandidate | undefined): MethodCandidate | undefined {
    const stable = own === this.#stable ? undefined : pick(this.#stable);
    if (stable !== undefined) return stable;
    for (const { lane } of this.#canaries) {
      const candidate = lane === own ? undefined : pick(lane);
      if (candidate !== undefined) return candidate;
    }
    return undefined;
  }

  #split(groups: ReadonlyMap<string, readonly MethodCandidate[]>): readonly Canaries[] {
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
    this.#byVersion ??= groupBy(this.#candidates, ({ endpoint }) => endpoint.version);
    const candidates = this.#byVersion.get(version);
    if (candidates === undefined) return undefined;
    const capacity = this.#options.capacity.filter((endpoint) => endpoint.version === version);
    const lane = new Lane(candidates, { ...this.#laneOptions(versionGroup(version)), capacity });
    this.#versions.set(version, lane);
    return lane;
  }

  #laneOf(name: string, candidates: readonly MethodCandidate[]): Lane {
    const capacity = this.#options.capacity.filter((endpoint) => trafficGroupOf(endpoint) === name);
    return new Lane(candidates, { ...this.#laneOptions(name), capacity });
  }

  #laneOptions(name: string) {
    return { policy: this.#options.policyOf(name), until: this.until };
  }
}

/** What a lane is made with. */
interface LaneOptions {
  readonly policy: BalancingPolicy;
  /** What could be expected to take calls, whether it does or not. */
  readonly capacity: readonly Capacity[];
  /** When weights may have changed, by the channel's clock; never, where that is infinity. */
  readonly until: number;
}

/** How often those that are set aside are looked through for one that is to be asked. Milliseconds. */
const LOOK_MS = 100;

/** Where the calls of one method can go, as things stand: made again whenever they change. */
export class Lane {
  /** When another is to take its place, though nothing else has changed. */
  readonly until: number;
  /** Those that take calls. */
  readonly #willing: readonly MethodCandidate[];
  /** Those that are connected, but set aside: now and then a call asks whether that has changed. */
  readonly #aside: readonly MethodCandidate[];
  readonly #policy: BalancingPolicy;
  readonly #picker: Picker<MethodCandidate>;
  /** Over those set aside; made when it is first needed. */
  #asidePicker: Picker<MethodCandidate> | undefined;
  /** Newcomers that no call was sent to yet. */
  #strangers: readonly MethodCandidate[];
  /** When one of those set aside may be asked again, at the soonest. */
  #lookAt = Number.NEGATIVE_INFINITY;

  /** @param candidates are the connected ones. */
  constructor(candidates: readonly MethodCandidate[], { policy, capacity, until }: LaneOptions) {
    this.until = until;
    this.#willing = candidates.filter(({ setAside }) => !setAside);
    this.#aside = candidates.filter(({ setAside }) => setAside);
    this.#policy = policy;
    this.#picker = policy.over(this.#willing, capacity);
    this.#strangers = this.#willing.filter(({ awaitsFirstCall }) => awaitsFirstCall);
  }

  /** One that is to be asked again, or that has just come, or else one that takes calls; none of those tried. */
  pick(method: Method, call: PickCall<MethodCandidate>, now: () => number): MethodCandidate | undefined {
    const asked = this.#aside.length > 0 ? this.#toAsk(method, call, now()) : undefined;
    if (asked !== undefined) return asked;
    return (this.#strangers.length === 0 ? undefined : this.#greet()) ?? this.#picker.pick(call);
  }

  /** A newcomer's first call, as long as none of this process was sent there. */
  #greet(): MethodCandidate | undefined {
    this.#strangers = this.#strangers.filter(({ awaitsFirstCall }) => awaitsFirstCall);
    const [stranger] = this.#strangers;
    stranger?.subchannel.slowStartState.onFirstCall();
    return stranger;
  }

  /** One of those that are set aside: for a call that would have nobody else. */
  pickAside(call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (this.#aside.length === 0) return undefined;
    this.#asidePicker ??= this.#policy.over(this.#aside);
    return this.#asidePicker.pick(call);
  }

  /** One at a time, and not at every pick: there may be many. */
  #toAsk(method: Method, { tried }: PickCall<MethodCandidate>, now: number): MethodCandidate | undefined {
    if (now < this.#lookAt) return undefined;
    const asked = this.#aside.find((candidate) => !tried.includes(candidate) && candidate.mayProbe(method, now));
    if (asked === undefined && tried.length === 0) this.#lookAt = now + LOOK_MS;
    return asked;
  }
}

/** The policies of a client, one for each group of instances: what one carries on is about its own group's calls. */
export class GroupPolicies {
  readonly #create: () => BalancingPolicy;
  readonly #policies = new Map<string, BalancingPolicy>();

  constructor(create: () => BalancingPolicy) {
    this.#create = create;
  }

  /** That of `group`, made where it is first asked for. */
  of(group: string): BalancingPolicy {
    const present = this.#policies.get(group);
    if (present !== undefined) return present;
    const policy = this.#create();
    this.#policies.set(group, policy);
    return policy;
  }

  /** Forgets those of groups that no instance is in any more. */
  keep(subchannels: readonly Pick<Subchannel, 'endpoint'>[]): void {
    const first = this.#policies.keys().next();
    if (first.done || (this.#policies.size === 1 && first.value === STABLE)) return;
    const present = new Set(
      subchannels.flatMap(({ endpoint }) => [trafficGroupOf(endpoint), versionGroup(endpoint.version)]),
    );
    for (const group of this.#policies.keys()) {
      if (group !== STABLE && !present.has(group)) this.#policies.delete(group);
    }
  }
}
