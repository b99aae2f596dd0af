import type { BalancingPolicy, Capacity, PickCall, Picker } from '../../balancer/picker.js';
import type { Method } from '../../contract/index.js';
import type { Target } from '../member/target.js';

/** What a lane is made with. */
export interface LaneOptions {
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
  readonly #willing: readonly Target[];
  /** Those that are connected, but set aside: now and then a call asks whether that has changed. */
  readonly #aside: readonly Target[];
  readonly #policy: BalancingPolicy;
  readonly #picker: Picker<Target>;
  /** Over those set aside; made when it is first needed. */
  #asidePicker: Picker<Target> | undefined;
  /** Newcomers that no call was sent to yet. */
  #strangers: readonly Target[];
  /** When one of those set aside may be asked again, at the soonest. */
  #lookAt = Number.NEGATIVE_INFINITY;

  /** @param targets are the connected ones. */
  constructor(targets: readonly Target[], { policy, capacity, until }: LaneOptions) {
    this.until = until;
    this.#willing = targets.filter(({ isAside }) => !isAside);
    this.#aside = targets.filter(({ isAside }) => isAside);
    this.#policy = policy;
    this.#picker = policy.over(this.#willing, capacity);
    this.#strangers = this.#willing.filter(({ isStranger }) => isStranger);
  }

  /** One that is to be asked again, or that has just come, or else one that takes calls; none of those tried. */
  pick(method: Method, call: PickCall<Target>, now: () => number): Target | undefined {
    const asked = this.#aside.length > 0 ? this.#toAsk(method, call, now()) : undefined;
    if (asked !== undefined) return asked;
    return (this.#strangers.length === 0 ? undefined : this.#greet()) ?? this.#picker.pick(call);
  }

  /** A newcomer's first call, as long as none of this process was sent there. */
  #greet(): Target | undefined {
    this.#strangers = this.#strangers.filter(({ isStranger }) => isStranger);
    const [stranger] = this.#strangers;
    stranger?.member.newcomer.greet();
    return stranger;
  }

  /** One of those that are set aside: for a call that would have nobody else. */
  pickAside(call: PickCall<Target>): Target | undefined {
    if (this.#aside.length === 0) return undefined;
    this.#asidePicker ??= this.#policy.over(this.#aside);
    return this.#asidePicker.pick(call);
  }

  /** One at a time, and not at every pick: there may be many. */
  #toAsk(method: Method, { tried }: PickCall<Target>, now: number): Target | undefined {
    if (now < this.#lookAt) return undefined;
    const asked = this.#aside.find((target) => !tried.includes(target) && target.mayAsk(method, now));
    if (asked === undefined && tried.length === 0) this.#lookAt = now + LOOK_MS;
    return asked;
  }
}
