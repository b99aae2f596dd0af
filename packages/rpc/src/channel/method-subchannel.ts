import type { Candidate } from '../balancer/picker.js';
import type { Metadata } from '../call/index.js';
import type { Method } from '../contract/index.js';
import { Conduct } from './outlier-detection/outcome-window.js';
import { Ejection } from './outlier-detection/ejection.js';
import type { Endpoint } from '../resolver/index.js';
import type { LoadWeight } from './load-weight.js';
import type { Member } from './subchannel.js';

/** How a try ended. */
export interface TryOutcome {
  /** What it failed with; undefined where it didn't, or where its caller left. */
  readonly error: unknown;
  /** As long as it took; where its deadline passed before it ended, until then. */
  readonly elapsedMs: number;
  /** What its server said at the end; undefined where none did. */
  readonly trailer?: Metadata | undefined;
  /** When it ended, by the channel's clock. */
  readonly endedAt: number;
  /** Why its caller waits no longer; undefined where it does. */
  readonly over?: 'expired' | 'left' | undefined;
  /** Whether it began while its target was ejected: what it met decides whether that lasts. */
  readonly probe?: boolean;
}

/** A member as the target of one method's calls: what this process has there of them, and how they went. */
export class Target implements Candidate {
  readonly member: Member;
  /** The method's path. */
  readonly path: string;
  readonly id: string;
  inFlight = 0;
  /** What it said of its load; undefined where it didn't, or nobody asks. */
  load: LoadWeight | undefined;
  /** The calls that were sent there. */
  picks = 0;
  /** For how it did this method's calls; its member can be ejected for all of them. */
  readonly ejection = new Ejection();
  /** Whether it takes calls though it is ejected, as too many are. */
  spared = false;
  /** When its share began to grow from little again, for this method alone; by the clock. Since ever, at first. */
  startedAt = Number.NEGATIVE_INFINITY;
  #conduct: Conduct | undefined;

  constructor(member: Member, path: string) {
    this.member = member;
    this.path = path;
    this.id = member.endpoint.instanceId;
  }

  /** What is said of its member now. */
  get endpoint(): Endpoint {
    return this.member.endpoint;
  }

  get zone(): string {
    return this.member.endpoint.zone;
  }

  get weight(): number {
    return this.member.endpoint.weight;
  }

  get loadWeight(): number | undefined {
    return this.load?.value;
  }

  get ramp(): number {
    return this.member.slowStart.ramp(Math.max(this.startedAt, this.member.newcomer.startedAt));
  }

  /** Whether it is a newcomer that is to get a call at once. */
  get isStranger(): boolean {
    return this.member.newcomer.isStranger(this.zone) && this.ramp < 1;
  }

  /** How its calls have gone. */
  get conduct(): Conduct {
    this.#conduct ??= new Conduct();
    return this.#conduct;
  }

  /** Whether it refuses calls of the method. */
  get refuses(): boolean {
    return this.member.refusals.of(this.path) !== undefined;
  }

  /** Whether it is ejected, alone or with all of its member. */
  get ejected(): boolean {
    return this.ejection.cause !== undefined || this.member.ejection.cause !== undefined;
  }

  /** Whether it is connected, but takes no calls of the method but those that ask whether that has changed. */
  get isAside(): boolean {
    return (this.ejected && !this.spared) || this.refuses;
  }

  /** Whether this call may ask whether one that is set aside takes calls again; the next one has to wait. */
  mayAsk({ policy }: Method, now: number): boolean {
    const safe = policy.idempotency !== 'unknown';
    const { refusals, ejection: whole } = this.member;
    if (this.refuses) return refusals.mayAsk(this.path, safe, now);
    return whole.cause === undefined ? this.ejection.mayAsk(now) : whole.mayAsk(now, { safe });
  }

  /** A try begins. Gives whether what it meets decides how long its target stays ejected. */
  begin(): boolean {
    this.inFlight += 1;
    this.picks += 1;
    return this.ejected;
  }

  /** It has ended. */
  end(): void {
    this.inFlight -= 1;
  }

  /** Takes calls again, as one that has just started. */
  restart(now: number): void {
    this.ejection.end(now);
    this.#conduct?.clear();
    this.startedAt = now;
  }

  /** Why it gets none of the method's calls for how it did them; undefined where it isn't ejected for that. */
  whyEjected(now: number): string | undefined {
    if (this.ejection.cause === undefined) return undefined;
    return `ejected for ${this.path.slice(this.path.lastIndexOf('/') + 1)}: ${this.ejection.describe(now)}`;
  }
}
