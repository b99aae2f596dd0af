import { roundRobin } from '../balancer/index.js';
import type { Clock, Random } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import type { Member } from './member.js';

/** What a selection is made with. */
export interface SelectionOptions {
  readonly clock: Clock;
  readonly random: Random;
}

/** At most this many connections are being made at once where they are made as calls need them. */
const CONNECTS_AT_ONCE = 8;
/** So many at once where there is none: one that is mute keeps no call waiting. */
const FIRST_CONNECTS = 4;

/** Chooses who takes a call: one that is connected and willing, in turn. */
export class Selection {
  readonly #clock: Clock;
  readonly #picker;
  readonly #starter;
  #members: readonly Member[] = [];
  #ready: readonly Member[] = [];
  #idle: readonly Member[] = [];
  /** Whether every one that is ready takes every call, and no other is to be connected. */
  #plain = true;

  constructor({ clock, random }: SelectionOptions) {
    this.#clock = clock;
    this.#picker = roundRobin(random);
    this.#starter = roundRobin(random);
  }

  /** The members have changed, or what they are ready for has. */
  update(members: Iterable<Member>): void {
    this.#members = [...members];
    this.#ready = this.#members.filter(({ ready }) => ready);
    this.#idle = this.#members.filter(({ serving, transport }) => serving && transport.state === 'idle');
    this.#plain = this.#idle.length === 0 && !this.#ready.some(({ refusals }) => refusals.any);
  }

  /**
   * One that is ready and not among `tried`, in turn. One that refuses the method is picked where it is to be asked
   * again, and where there is neither another nor hope of one. A pick that would fall on one that isn't connected yet
   * starts its connection, and goes to another meanwhile.
   */
  pick(method: Method, tried: readonly Member[]): Member | undefined {
    if (this.#plain && tried.length === 0) return this.#picker.pick(this.#ready);
    this.#connectMore();
    const untried = this.#ready.filter((member) => !tried.includes(member));
    const asked = untried.find((member) => this.#mayAsk(member, method));
    if (asked !== undefined) return asked;
    const willing = untried.filter(({ refusals }) => refusals.of(method.path) === undefined);
    if (willing.length > 0) return this.#picker.pick(willing);
    return tried.length === 0 && this.coming(method, tried).length === 0 ? this.#picker.pick(untried) : undefined;
  }

  /** Those that a call can wait for: not among `tried`, not connected yet, and not known to have failed. */
  coming({ path }: Method, tried: readonly Member[]): readonly Member[] {
    const hopeful = (member: Member) => member.coming && member.refusals.of(path) === undefined;
    return this.#members.filter((member) => hopeful(member) && !tried.includes(member));
  }

  /** Whether there is nobody who takes calls of this method, but for what keeps them from being reached. */
  refusedByAll({ path }: Method): boolean {
    const serving = this.#members.filter(({ serving }) => serving);
    return serving.every(({ refusals }) => refusals.of(path) !== undefined);
  }

  #mayAsk({ refusals }: Member, { path, policy }: Method): boolean {
    return refusals.any && refusals.mayAsk(path, policy.idempotency !== 'unknown', this.#clock.now());
  }

  /** Where nobody is connected, a few; else the next that isn't, where this call's turn is one of theirs. */
  #connectMore(): void {
    const connecting = this.#members.filter(({ transport }) => transport.state === 'connecting').length;
    const candidates = this.#ready.length === 0 ? this.#idle : [...this.#idle, ...this.#ready];
    const starts = this.#ready.length === 0 ? FIRST_CONNECTS - connecting : Math.min(1, CONNECTS_AT_ONCE - connecting);
    for (let start = Math.min(starts, this.#idle.length); start > 0; start -= 1) {
      const next = this.#starter.pick(candidates);
      if (next?.transport.state === 'idle') connect(next);
    }
  }
}

/** Connects a member in the background. */
export function connect({ transport }: Member): void {
  // Whoever calls it learns of a failure; until then it is no news.
  transport.connect().catch(() => undefined);
}
