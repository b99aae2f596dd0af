import type { Candidate } from '../balancer/picker.js';
import { Durations, toMicros } from '../call/durations.js';
import type { Metadata } from '../call/metadata.js';
import type { Method } from '../contract/method.js';
import type { Endpoint } from '../resolver/resolver.js';
import { RpcError } from '../status/rpc-error.js';
import type { LoadWeight } from './load-weight.js';
import { isServerFault } from './outlier-detection/criteria.js';
import { Ejection } from './outlier-detection/ejection.js';
import { CandidateStats } from './outlier-detection/outcome-window.js';
import type { Refusal } from './refusals.js';
import type { Subchannel } from './subchannel.js';

/** How an attempt ended. */
export interface AttemptOutcome {
  /** The failure; undefined if the attempt succeeded or its caller cancelled it. */
  readonly error: unknown;
  /** How long the attempt took, at most until its deadline. Milliseconds. */
  readonly elapsedMs: number;
  /** The trailing metadata, if the server sent any. */
  readonly trailer?: Metadata | undefined;
  /** When the attempt ended, by the channel's clock. */
  readonly endedAt: number;
  /** What ended the attempt before its answer: the deadline, a hedge that answered first, or the caller. Undefined if nothing did. */
  readonly endedBy?: 'deadline' | 'hedge' | 'caller' | undefined;
  /** Whether the attempt was a probe: it began while its candidate was ejected. */
  readonly probe?: boolean;
  /** The answer that the instance does not serve the method, if that is how it ended. */
  readonly refusal?: Refusal | undefined;
}

/** Counts the attempts that a process makes at the instances of a service, or at one of them. To count allocates nothing. */
export class AttemptStats extends Durations {
  begun = 0;
  /** The attempts that failed by a fault of the instance or of the way to it. */
  failed = 0;

  /** An attempt has ended. Only `unary` ones count by their durations: how long a stream lasts, its caller decides. */
  end({ error, elapsedMs, endedBy }: AttemptOutcome, unary: boolean): void {
    if (endedBy === 'caller' || endedBy === 'hedge') return;
    if (error instanceof RpcError && isServerFault(error.code)) this.failed += 1;
    if (unary) this.took(toMicros(elapsedMs));
  }
}

/** A subchannel as a candidate for the calls of one method: its load, its state and its recent outcomes for that method. */
export class MethodCandidate implements Candidate {
  readonly subchannel: Subchannel;
  /** The path of the method, `/package.Service/Method`. */
  readonly path: string;
  readonly id: string;
  inFlight = 0;
  /** The weight from its load reports; undefined if there are none or the policy doesn't use them. */
  load: LoadWeight | undefined;
  /** The number of attempts made there. */
  picks = 0;
  /** The ejection for this method. The subchannel's own ejection is for all methods. */
  readonly ejection = new Ejection();
  /** Whether it takes calls although it is ejected, because too many candidates are. */
  inPanic = false;
  /** When its slow start for this method began, by the channel's clock; negative infinity if it had none. */
  startedAt = Number.NEGATIVE_INFINITY;
  #stats: CandidateStats | undefined;

  constructor(subchannel: Subchannel, path: string) {
    this.subchannel = subchannel;
    this.path = path;
    this.id = subchannel.endpoint.instanceId;
  }

  /** The endpoint as last resolved. */
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

  /** Whether it is new and is to get one call at once. */
  get awaitsFirstCall(): boolean {
    return this.subchannel.slowStartState.awaitsFirstCall(this.zone) && this.ramp < 1;
  }

  /** The recent outcomes of its calls. */
  get stats(): CandidateStats {
    this.#stats ??= new CandidateStats();
    return this.#stats;
  }

  /** Whether the instance refuses the method. */
  get refuses(): boolean {
    return this.subchannel.refusals.ofMethod(this.path) !== undefined;
  }

  /** Whether it is ejected, for this method or for all. */
  get ejected(): boolean {
    return this.ejection.cause !== undefined || this.subchannel.ejection.cause !== undefined;
  }

  /** Whether it is connected but gets only probes. */
  get setAside(): boolean {
    return (this.ejected && !this.inPanic) || this.refuses;
  }

  /** Whether a call may probe this candidate now. Blocks further probes for a while. */
  mayProbe({ policy }: Method, now: number): boolean {
    const safe = policy.idempotency !== 'unknown';
    const { refusals, ejection: whole } = this.subchannel;
    if (this.refuses) return refusals.mayProbe(this.path, safe, now);
    return whole.cause === undefined ? this.ejection.mayProbe(now) : whole.mayProbe(now, { safe });
  }

  /** An attempt begins. Returns whether it is a probe. */
  begin(): boolean {
    this.inFlight += 1;
    this.picks += 1;
    return this.ejected;
  }

  /** An attempt has ended. */
  end(): void {
    this.inFlight -= 1;
  }

  /** Ends the ejection. The candidate starts slowly. */
  readmit(now: number): void {
    this.ejection.end(now);
    this.#stats?.clear();
    this.startedAt = now;
  }

  /** Why it is ejected for this method; undefined if it isn't. */
  whyEjected(now: number): string | undefined {
    if (this.ejection.cause === undefined) return undefined;
    return `ejected for ${this.path.slice(this.path.lastIndexOf('/') + 1)}: ${this.ejection.describe(now)}`;
  }
}
