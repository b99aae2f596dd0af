import type { Candidate } from '../balancer/picker.js';
import type { Metadata } from '../call/index.js';
import type { Method } from '../contract/index.js';
import type { Endpoint } from '../resolver/index.js';
import type { LoadWeight } from './load-weight.js';
import { Ejection } from './outlier-detection/ejection.js';
import { CandidateStats } from './outlier-detection/outcome-window.js';
import type { Subchannel } from './subchannel.js';

/** How a try ended. */
export interface AttemptOutcome {
  /** What it failed with; undefined where it didn't, or where its caller left. */
  readonly error: unknown;
  /** As long as it took; where its deadline passed before it ended, until then. */
  readonly elapsedMs: number;
  /** What its server said at the end; undefined where none did. */
  readonly trailer?: Metadata | undefined;
  /** When it ended, by the channel's clock. */
  readonly endedAt: number;
  /** Why its caller waits no longer; undefined where it does. */
  readonly endedBy?: 'expired' | 'left' | undefined;
  /** Whether it began while its candidate was ejected: what it met decides whether that lasts. */
  readonly probe?: boolean;
}

/** A subchannel as the candidate of one method's calls: what this process has there of them, and how they went. */
export class MethodCandidate implements Candidate {
  readonly subchannel: Subchannel;
  /** The method's path. */
  readonly path: string;
  readonly id: string;
  inFlight = 0;
  /** What it said of its load; undefined where it didn't, or nobody asks. */
  load: LoadWeight | undefined;
  /** The calls that were sent there. */
  picks = 0;
  /** For how it did this method's calls; its subchannel can be ejected for all of them. */
  readonly ejection = new Ejection();
  /** Whether it takes calls though it is ejected, as too many are. */
  inPanic = false;
  /** When its share began to grow from little again, for this method alone; by the clock. Since ever, at first. */
  startedAt = Number.NEGATIVE_INFINITY;
  #conduct: CandidateStats | undefined;

  constructor(subchannel: Subchannel, path: string) {
    this.subchannel = subchannel;
    this.path = path;
    this.id = subchannel.endpoint.instanceId;
  }

  /** What is said of its subchannel now. */
  get endpoint(): Endpoint {
    return this.subchannel.endpoint;
  }

  get zone(): string {
    return this.subchannel.endpoint.zone;
  }

  get weight(): number {
    return this.subchannel.endpoint.weight;
  }

  get loadWeight(): number | undefined {
    return this.load?.value;
  }

  get ramp(): number {
    return this.subchannel.slowStart.ramp(Math.max(this.startedAt, this.subchannel.slowStartState.startedAt));
  }

  /** Whether it is a newcomer that is to get a call at once. */
  get awaitsFirstCall(): boolean {
    return this.subchannel.slowStartState.awaitsFirstCall(this.zone) && this.ramp < 1;
  }

  /** How its calls have gone. */
  get stats(): CandidateStats {
    this.#conduct ??= new CandidateStats();
    return this.#conduct;
  }

  /** Whether it refuses calls of the method. */
  get refuses(): boolean {
    return this.subchannel.refusals.ofMethod(this.path) !== undefined;
  }

  /** Whether it is ejected, alone or with all of its subchannel. */
  get ejected(): boolean {
    return this.ejection.cause !== undefined || this.subchannel.ejection.cause !== undefined;
  }

  /** Whether it is connected, but takes no calls of the method but those that ask whether that has changed. */
  get setAside(): boolean {
    return (this.ejected && !this.inPanic) || this.refuses;
  }

  /** Whether this call may ask whether one that is set aside takes calls again; the next one has to wait. */
  mayProbe({ policy }: Method, now: number): boolean {
    const safe = policy.idempotency !== 'unknown';
    const { refusals, ejection: whole } = this.subchannel;
    if (this.refuses) return refusals.mayProbe(this.path, safe, now);
    return whole.cause === undefined ? this.ejection.mayProbe(now) : whole.mayProbe(now, { safe });
  }

  /** A try begins. Gives whether what it meets decides how long its candidate stays ejected. */
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
  readmit(now: number): void {
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
