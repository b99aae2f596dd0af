import type { BalancingPolicy, PickCall } from '../../balancer/picker.js';
import { evenPoints } from '../../balancer/points.js';
import type { Clock, Random } from '../../clock/index.js';
import type { Balancing, Method } from '../../contract/index.js';
import type { Endpoint } from '../../resolver/index.js';
import type { Member } from '../member/member.js';
import type { Target } from '../member/target.js';
import type { Outliers } from '../outliers/outliers.js';
import { GroupPolicies } from './group-policies.js';
import { TrafficSplit } from './traffic-split.js';
import { isMeantFor } from './versions.js';

/** What a selection is made with. */
export interface SelectionOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Makes the policy of one group of instances. */
  readonly createPolicy: () => BalancingPolicy;
  readonly weights: Balancing['weights'];
  readonly outliers: Outliers;
}

/** How long weights that change are taken as they were. Milliseconds. */
const REFRESH_MS = 250;

/** At most this many connections are being made at once where they are made as calls need them. */
const CONNECTS_AT_ONCE = 8;
/** So many at once where there is none: one that is mute keeps no call waiting. */
const FIRST_CONNECTS = 4;

/** Chooses who takes a call: one that is connected and willing, as the policy has it. */
export class Selection {
  readonly #clock: Clock;
  readonly #policies: GroupPolicies;
  readonly #place: () => number;
  readonly #random: Random;
  readonly #weights: Balancing['weights'];
  readonly #outliers: Outliers;
  readonly #lanes = new Map<string, TrafficSplit>();
  #members: readonly Member[] = [];
  #ready: readonly Member[] = [];
  /** Those that could be expected to take calls. */
  #capacity: readonly Endpoint[] = [];
  #idle: readonly Member[] = [];

  constructor({ clock, random, createPolicy, weights, outliers }: SelectionOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#policies = new GroupPolicies(createPolicy);
    this.#place = evenPoints(random);
    this.#weights = weights;
    this.#outliers = outliers;
  }

  /** The members have changed, or what they are ready for has. */
  update(members: Iterable<Member>): void {
    this.#members = [...members];
    this.#ready = this.#members.filter(({ ready }) => ready);
    this.#capacity = this.#members.filter(({ countsAsCapacity }) => countsAsCapacity).map(({ endpoint }) => endpoint);
    this.#idle = this.#members.filter((member) => member.serving && isIdle(member));
    this.#lanes.clear();
    this.#policies.keep(this.#members);
  }

  /**
   * One that is ready and not among those tried. One that is set aside is picked where it is to be asked again, and
   * where there is neither another nor hope of one. A pick that would fall on one that isn't connected yet starts its
   * connection, and goes to another meanwhile.
   */
  pick(method: Method, call: PickCall<Target>): Target | undefined {
    if (this.#idle.length > 0) this.#connectMore();
    const lane = this.#laneOf(method);
    const target = lane.pick(method, call, this.#now);
    if (target !== undefined) return target;
    const coming = this.coming(method, call);
    if (coming.length === 0) return call.tried.length === 0 ? lane.pickAside(call) : undefined;
    // The call waits for one of them: somebody has to begin.
    if (coming.every(isIdle)) connectAny(coming, this.#random);
    return undefined;
  }

  /** Those that a call can wait for: not among `tried`, not connected yet, and not known to have failed. */
  coming({ path }: Method, { tried, version }: Pick<PickCall<Target>, 'tried' | 'version'>): readonly Member[] {
    const hopeful = (member: Member) =>
      member.coming && member.refusals.of(path) === undefined && isMeantFor(member.endpoint, version);
    return this.#members.filter((member) => hopeful(member) && !tried.some((target) => target.member === member));
  }

  /**
   * Whether there is nobody who takes calls of this method, but for what keeps them from being reached: among those of
   * `version`, where the call is for them alone.
   */
  refusedByAll({ path }: Method, version: string | undefined): boolean {
    const serving = this.#members.filter(({ serving, endpoint }) => serving && isMeantFor(endpoint, version));
    return serving.every(({ refusals }) => refusals.of(path) !== undefined);
  }

  readonly #now = () => this.#clock.now();
  readonly #policyOf = (group: string) => this.#policies.of(group);

  #laneOf(method: Method): TrafficSplit {
    const lane = this.#lanes.get(method.path);
    if (lane !== undefined && (lane.until === Number.POSITIVE_INFINITY || this.#clock.now() < lane.until)) return lane;
    return this.#open(method);
  }

  #open(method: Method): TrafficSplit {
    const { path } = method;
    const targets = this.#ready.map((member) => member.target(path));
    this.#outliers.settle(method, targets);
    const lasting = this.#weights === 'static' && targets.every(({ ramp }) => ramp === 1);
    const until = lasting ? Number.POSITIVE_INFINITY : this.#clock.now() + REFRESH_MS;
    const lane = new TrafficSplit(targets, {
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
    const connecting = this.#members.filter(({ transport }) => transport.state === 'connecting').length;
    if (this.#ready.length === 0) {
      for (let left = FIRST_CONNECTS - connecting; left > 0; left -= 1) connectAny(this.#idle, this.#random);
      return;
    }
    const theirs = this.#random.next() * (this.#idle.length + this.#ready.length) < this.#idle.length;
    if (theirs && connecting < CONNECTS_AT_ONCE) connectAny(this.#idle, this.#random);
  }
}

function isIdle({ transport }: Member): boolean {
  return transport.state === 'idle';
}

function connectAny(idle: readonly Member[], random: Random): void {
  const next = idle[Math.floor(random.next() * idle.length)];
  next?.connect();
}
