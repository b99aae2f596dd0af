import type { Clock, Random } from '@rondo/base';
import { goldenRatioSequence } from '../balancer/low-discrepancy.js';
import type { BalancingPolicy, Capacity, PickCall, Picker } from '../balancer/picker.js';
import type { Balancing } from '../contract/balancing.js';
import type { Method } from '../contract/method.js';
import { canaryPercent } from '../resolver/canary.js';
import type { Endpoint } from '../resolver/resolver.js';
import type { WireCall } from '../transport/transport.js';
import { groupBy } from './group-by.js';
import type { OutlierDetector } from './outlier-detector.js';
import type { MethodCandidate, Subchannel } from './subchannel.js';

/** What a service's pickers are made from. */
export interface MethodPickersOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Creates the balancing policy of one traffic group. */
  readonly createPolicy: () => BalancingPolicy;
  readonly weights: Balancing['weights'];
  readonly outliers: OutlierDetector;
}

/** How long a picker uses the weights that it was made with, if weights can change. Milliseconds. */
const REFRESH_MS = 250;

/** How often a picker looks for a candidate to probe. Milliseconds. */
const PROBE_INTERVAL_MS = 100;

/** The pickers of one service, one for each method. A change of the subchannels replaces them all. */
export class MethodPickers {
  readonly #clock: Clock;
  readonly #weights: Balancing['weights'];
  readonly #outliers: OutlierDetector;
  readonly #policies: GroupPolicies;
  readonly #nextPoint: () => number;
  readonly #byPath = new Map<string, MethodPicker>();
  #ready: readonly Subchannel[] = [];
  #capacity: readonly Endpoint[] = [];

  constructor({ clock, random, createPolicy, weights, outliers }: MethodPickersOptions) {
    this.#clock = clock;
    this.#weights = weights;
    this.#outliers = outliers;
    this.#policies = new GroupPolicies(createPolicy);
    this.#nextPoint = goldenRatioSequence(random);
  }

  /** Drops all pickers. The next ones choose among those of `subchannels` that are ready. */
  update(subchannels: readonly Subchannel[]): void {
    this.#ready = subchannels.filter(({ ready }) => ready);
    this.#capacity = subchannels.filter(({ countsAsCapacity }) => countsAsCapacity).map(({ endpoint }) => endpoint);
    this.#byPath.clear();
    this.#policies.keep(subchannels);
  }

  of(method: Method): MethodPicker {
    const picker = this.#byPath.get(method.path);
    const fresh = picker !== undefined && (picker.until === NEVER || this.#clock.now() < picker.until);
    return fresh ? picker : this.#create(method);
  }

  #create(method: Method): MethodPicker {
    const candidates = this.#ready.map((subchannel) => subchannel.candidate(method.path));
    this.#outliers.settle(method, candidates);
    const constant = this.#weights === 'static' && candidates.every(({ ramp }) => ramp === 1);
    const picker = new MethodPicker(method, candidates, {
      clock: this.#clock,
      policyOf: this.#policyOf,
      capacity: this.#capacity,
      nextPoint: this.#nextPoint,
      until: constant ? NEVER : this.#clock.now() + REFRESH_MS,
    });
    this.#byPath.set(method.path, picker);
    return picker;
  }

  readonly #policyOf = (group: string) => this.#policies.of(group);
}

const NEVER = Number.POSITIVE_INFINITY;

/** What a method's picker is made from. */
export interface MethodPickerOptions {
  readonly clock: Clock;
  /** The balancing policy of a traffic group. */
  readonly policyOf: (group: string) => BalancingPolicy;
  /** All endpoints that are expected to take calls, including those that fail now. */
  readonly capacity: readonly Endpoint[];
  /** Gives a point in [0, 1) for each call. The point decides which canaries get the call. */
  readonly nextPoint: () => number;
  /** When the picker expires because weights may have changed, by the channel's clock. Infinity: never. */
  readonly until: number;
}

/** Instances that get a portion of the calls: a canary. */
interface Canary {
  readonly group: string;
  /** The canary gets a call if the call's point is below this number and not below the previous canary's. */
  readonly upTo: number;
  readonly picker: GroupPicker;
}

/**
 * Picks an instance for each call of one method. It divides calls between the stable instances and the canaries; a call
 * that asks for a version goes to instances of that version only.
 */
export class MethodPicker {
  readonly until: number;
  readonly #method: Method;
  readonly #candidates: readonly MethodCandidate[];
  readonly #options: MethodPickerOptions;
  readonly #stable: GroupPicker;
  readonly #canaries: readonly Canary[];
  readonly #versions = new Map<string, GroupPicker>();
  #byVersion: ReadonlyMap<string, readonly MethodCandidate[]> | undefined;

  /** @param candidates the connected instances. */
  constructor(method: Method, candidates: readonly MethodCandidate[], options: MethodPickerOptions) {
    this.until = options.until;
    this.#method = method;
    this.#candidates = candidates;
    this.#options = options;
    const groups = groupBy(candidates, ({ endpoint }) => trafficGroupOf(endpoint));
    this.#stable = this.#pickerOf(STABLE, groups.get(STABLE) ?? []);
    this.#canaries = this.#canariesOf(groups);
  }

  /** A candidate that has not been tried. If the call's own group has none, another group takes the call. */
  pick(call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (call.version !== undefined) return this.#ofVersion(call.version)?.pick(call);
    if (this.#canaries.length === 0) return this.#stable.pick(call);
    const own = this.#groupFor(call);
    return own.pick(call) ?? this.#elsewhere(own, (group) => group.pick(call));
  }

  /** A candidate that is set aside, for a call that has no other instance left. */
  pickSetAside(call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (call.version !== undefined) return this.#ofVersion(call.version)?.pickSetAside(call);
    return this.#stable.pickSetAside(call) ?? this.#elsewhere(this.#stable, (group) => group.pickSetAside(call));
  }

  /** The group that a call belongs to. A retry stays in the group of the first attempt. */
  #groupFor({ tried, avoided = 0 }: PickCall<MethodCandidate>): GroupPicker {
    const first = tried[avoided];
    if (first !== undefined) {
      const group = trafficGroupOf(first.endpoint);
      return this.#canaries.find((canary) => canary.group === group)?.picker ?? this.#stable;
    }
    const point = this.#options.nextPoint();
    for (const { upTo, picker } of this.#canaries) if (point < upTo) return picker;
    return this.#stable;
  }

  #elsewhere(own: GroupPicker, pick: (group: GroupPicker) => MethodCandidate | undefined): MethodCandidate | undefined {
    const stable = own === this.#stable ? undefined : pick(this.#stable);
    if (stable !== undefined) return stable;
    for (const { picker } of this.#canaries) {
      const candidate = picker === own ? undefined : pick(picker);
      if (candidate !== undefined) return candidate;
    }
    return undefined;
  }

  #canariesOf(groups: ReadonlyMap<string, readonly MethodCandidate[]>): readonly Canary[] {
    let below = 0;
    return [...portionsOf(groups)].flatMap(([group, portion]) => {
      if (group === STABLE || portion === 0) return [];
      below += portion;
      return { group, upTo: below, picker: this.#pickerOf(group, groups.get(group) ?? []) };
    });
  }

  /** The picker over the instances of one version; undefined if there are none. */
  #ofVersion(version: string): GroupPicker | undefined {
    const made = this.#versions.get(version);
    if (made !== undefined) return made;
    this.#byVersion ??= groupBy(this.#candidates, ({ endpoint }) => endpoint.version);
    const candidates = this.#byVersion.get(version);
    if (candidates === undefined) return undefined;
    const capacity = this.#options.capacity.filter((endpoint) => endpoint.version === version);
    const picker = new GroupPicker(candidates, { ...this.#groupOptions(versionGroup(version)), capacity });
    this.#versions.set(version, picker);
    return picker;
  }

  #pickerOf(group: string, candidates: readonly MethodCandidate[]): GroupPicker {
    const capacity = this.#options.capacity.filter((endpoint) => trafficGroupOf(endpoint) === group);
    return new GroupPicker(candidates, { ...this.#groupOptions(group), capacity });
  }

  #groupOptions(group: string) {
    return { method: this.#method, clock: this.#options.clock, policy: this.#options.policyOf(group) };
  }
}

/** What a group's picker is made from. */
export interface GroupPickerOptions {
  readonly method: Method;
  readonly clock: Clock;
  readonly policy: BalancingPolicy;
  /** All instances of the group that are expected to take calls, including those that fail now. */
  readonly capacity: readonly Capacity[];
}

/** Picks an instance of one traffic group: a candidate to probe, a new instance that awaits its first call, or by policy. */
export class GroupPicker {
  readonly #options: GroupPickerOptions;
  /** Connected candidates that don't take calls. Now and then one call probes one of them. */
  readonly #setAside: readonly MethodCandidate[];
  readonly #picker: Picker<MethodCandidate>;
  /** The policy's picker over `#setAside`, made at its first use. */
  #setAsidePicker: Picker<MethodCandidate> | undefined;
  #awaitingFirstCall: readonly MethodCandidate[];
  /** The earliest time of the next look for a candidate to probe. */
  #probeAt = Number.NEGATIVE_INFINITY;

  /** @param candidates the connected instances of the group. */
  constructor(candidates: readonly MethodCandidate[], options: GroupPickerOptions) {
    const available = candidates.filter(({ setAside }) => !setAside);
    this.#options = options;
    this.#setAside = candidates.filter(({ setAside }) => setAside);
    this.#picker = options.policy.over(available, options.capacity);
    this.#awaitingFirstCall = available.filter(({ awaitsFirstCall }) => awaitsFirstCall);
  }

  /** A candidate that has not been tried; undefined if there is none. */
  pick(call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    const probed = this.#setAside.length > 0 ? this.#toProbe(call) : undefined;
    if (probed !== undefined) return probed;
    const fresh = this.#awaitingFirstCall.length > 0 ? this.#takeFirstCall(call) : undefined;
    return fresh ?? this.#picker.pick(call);
  }

  /** A candidate that is set aside, by the policy; undefined if there is none. */
  pickSetAside(call: PickCall<MethodCandidate>): MethodCandidate | undefined {
    if (this.#setAside.length === 0) return undefined;
    this.#setAsidePicker ??= this.#options.policy.over(this.#setAside);
    return this.#setAsidePicker.pick(call);
  }

  /** A new instance gets one call at once: with few calls, its small share would be long in coming. */
  #takeFirstCall({ tried }: PickCall<MethodCandidate>): MethodCandidate | undefined {
    this.#awaitingFirstCall = this.#awaitingFirstCall.filter(({ awaitsFirstCall }) => awaitsFirstCall);
    const first = this.#awaitingFirstCall.find((candidate) => !tried.includes(candidate));
    first?.subchannel.slowStartState.onFirstCall();
    return first;
  }

  /** A candidate whose probe is due. If there is none, the next search waits for a while, because the list may be long. */
  #toProbe({ tried }: PickCall<MethodCandidate>): MethodCandidate | undefined {
    const { method, clock } = this.#options;
    const now = clock.now();
    if (now < this.#probeAt) return undefined;
    const due = this.#setAside.find((candidate) => !tried.includes(candidate) && candidate.mayProbe(method, now));
    if (due === undefined && tried.length === 0) this.#probeAt = now + PROBE_INTERVAL_MS;
    return due;
  }
}

/** The balancing policies of a service, one for each traffic group: the state of a policy is about its group's calls. */
export class GroupPolicies {
  readonly #create: () => BalancingPolicy;
  readonly #policies = new Map<string, BalancingPolicy>();

  constructor(create: () => BalancingPolicy) {
    this.#create = create;
  }

  of(group: string): BalancingPolicy {
    const present = this.#policies.get(group);
    if (present !== undefined) return present;
    const policy = this.#create();
    this.#policies.set(group, policy);
    return policy;
  }

  /** Drops the policies of groups that have no instance left. */
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

/** The group of the instances that are no canaries. */
export const STABLE = '';

/** The traffic group of an instance: stable, or the canaries with the same percentage and version. */
export function trafficGroupOf(endpoint: Endpoint): string {
  const percent = canaryPercent(endpoint);
  return percent === undefined ? STABLE : `canary=${percent} ${endpoint.version}`;
}

/** The group of the instances of one version, for calls that ask for that version. */
export function versionGroup(version: string): string {
  return `version ${version}`;
}

/**
 * The portion of all calls, 0 to 1, that each group gets: canaries get their percentages, the stable instances the rest. If
 * the percentages exceed 100, or if there are no stable instances, all portions are scaled to a sum of 1.
 */
export function portionsOf(groups: ReadonlyMap<string, readonly { readonly endpoint: Endpoint }[]>): Portions {
  const percents = [...groups].flatMap(([name, [first]]) => {
    const percent = name === STABLE || first === undefined ? undefined : canaryPercent(first.endpoint);
    return percent === undefined ? [] : [{ name, percent }];
  });
  const canaries = percents.reduce((total, { percent }) => total + percent, 0);
  const whole = groups.has(STABLE) ? Math.max(100, canaries) : canaries;
  const portion = (percent: number) => (whole === 0 ? 0 : percent / whole);
  const portions = new Map(percents.map(({ name, percent }) => [name, portion(percent)]));
  return groups.has(STABLE) ? portions.set(STABLE, portion(whole - canaries)) : portions;
}

/** Portions of calls, 0 to 1, by traffic group. */
type Portions = ReadonlyMap<string, number>;

/** The metadata key by which a call asks for instances of one version. */
const VERSION_KEY = 'rondo-version';

/** The version that a call asks for; undefined if it takes any. */
export function requestedVersion({ metadata }: Pick<WireCall, 'metadata'>): string | undefined {
  return metadata.get(VERSION_KEY) || undefined;
}

/** Whether an instance may serve calls that ask for `version`, or for none if `version` is undefined. */
export function mayServe(endpoint: Endpoint, version: string | undefined): boolean {
  return version === undefined ? canaryPercent(endpoint) !== 0 : endpoint.version === version;
}

/** How many versions a message names, and how many characters of each. */
const NAMED = 10;
const NAMED_LENGTH = 128;

/** The known versions, as part of a sentence. */
export function describeVersions(endpoints: readonly Endpoint[]): string {
  const versions = [...new Set(endpoints.map(({ version }) => version))].sort();
  const named = versions.filter((version) => version !== '').map((version) => version.slice(0, NAMED_LENGTH));
  const more = named.length > NAMED ? [`${named.length - NAMED} more`] : [];
  if (named.length === 0) return 'no instance says its version (RONDO_VERSION)';
  const none = versions.includes('') ? ['and instances that say none'] : [];
  return `the versions there are: ${[...named.slice(0, NAMED), ...more, ...none].join(', ')}`;
}

/** A requested version as messages quote it. */
export function quoteVersion(version: string): string {
  return version.slice(0, NAMED_LENGTH);
}
