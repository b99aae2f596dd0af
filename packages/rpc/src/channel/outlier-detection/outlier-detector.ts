import type { Random } from '../../clock/index.js';
import type { Balancing, Method } from '../../contract/index.js';
import { RpcError, Status } from '../../status/index.js';
import { TransportError } from '../../transport/index.js';
import type { AttemptOutcome, MethodCandidate } from '../method-candidate.js';
import type { Subchannel } from '../subchannel.js';
import { isNeutral, isServerFault, runIsOutlier, shareIsOutlier } from './criteria.js';
import { MethodOutliers } from './method-outliers.js';
import { OUTLIER_WINDOW_MS, type Tally, TOO_MANY_BREAKS } from './outcome-window.js';

/** What outliers are found with. */
interface OutliersOptions {
  readonly random: Random;
  readonly policy: Balancing['policy'];
}

/** Of what a server says, so much stands in a reason. */
const MAX_REASON_LENGTH = 120;

/**
 * Ejects the subchannels of a pool that do worse than their peers, each for the method in which it does, and lets them
 * back when a call that asks is answered. After gRFC A50 and Envoy's outlier detection; docs/adr/0021-ejection.md says
 * where it differs and why. Each method here gives whether who can be picked has changed.
 */
export class OutlierDetector {
  readonly #random: Random;
  /** Where a call's key decides who gets it, one gets other calls than another: their times can't be compared. */
  readonly #alike: boolean;
  readonly #methods = new Map<string, MethodOutliers>();

  constructor({ random, policy }: OutliersOptions) {
    this.#random = random;
    this.#alike = policy !== 'ring_hash';
  }

  /** These are the ones that calls of `method` can go to: too many of them are never ejected. */
  settle(method: Method, candidates: readonly MethodCandidate[]): void {
    this.#of(method).settle(candidates);
  }

  /** What a method's callers are to know where too many fail for any to be left out; undefined where it isn't so. */
  panic(path: string): string | undefined {
    return this.#methods.get(path)?.panic;
  }

  /** The paths of the methods for which nobody is left out, as too many fail. */
  get panics(): readonly string[] {
    return [...this.#methods].filter(([, { panic }]) => panic !== undefined).map(([path]) => path);
  }

  /** A try has ended. */
  onEnd(candidate: MethodCandidate, outcome: AttemptOutcome): boolean {
    const method = this.#methods.get(candidate.path);
    if (method === undefined) return false;
    const verdict = classify(candidate, outcome, method);
    if (candidate.ejected) return outcome.probe === true && this.#onProbe(candidate, verdict, { outcome, method });
    if (verdict === 'untelling') return false;
    const { endedAt, error, elapsedMs } = outcome;
    const { stats } = candidate;
    const failed = verdict === 'fault';
    method.window.note(failed, endedAt);
    if (failed) stats.failed(endedAt);
    else stats.answered(endedAt);
    if (!failed && error === undefined && method.timed) stats.time.note(elapsedMs);
    const swept = endedAt >= method.sweepAt && method.sweep(endedAt, this.#random);
    return (failed && this.#onFault(candidate, outcome, method)) || swept;
  }

  /** An answer to a stream's call has begun to come: where it asked, that is enough. */
  onStream(candidate: MethodCandidate, now: number): boolean {
    return this.onEnd(candidate, { error: undefined, elapsedMs: 0, endedAt: now, probe: true });
  }

  /** A connection broke. */
  onBreak(subchannel: Subchannel, now: number): void {
    if (!subchannel.connectionFailures.note(now)) return;
    const { ejection } = subchannel;
    const seconds = OUTLIER_WINDOW_MS / 1_000;
    const reason = `its connection broke ${TOO_MANY_BREAKS} times in ${seconds} s`;
    if (ejection.cause !== undefined) ejection.renew(now, this.#random);
    else ejection.begin({ cause: 'connection', reason, now, random: this.#random });
  }

  #onProbe(candidate: MethodCandidate, verdict: Verdict, { outcome, method }: ProbeEnd): boolean {
    const { endedAt: now, error, elapsedMs } = outcome;
    const { ejection, subchannel } = candidate;
    const untimed = ejection.cause === 'latency' && error !== undefined;
    if (verdict === 'untelling' || (verdict === 'answer' && untimed)) {
      ejection.probeSoon(now);
      subchannel.ejection.probeSoon(now);
      return false;
    }
    if (verdict === 'fault') {
      ejection.renew(now, this.#random);
      subchannel.ejection.renew(now, this.#random);
      return false;
    }
    const slow = ejection.cause === 'latency' && elapsedMs > method.slowFromMs(candidate);
    if (slow) ejection.renew(now, this.#random);
    else candidate.readmit(now);
    return subchannel.readmit(now) || !slow;
  }

  #onFault(candidate: MethodCandidate, { error, endedAt: now }: AttemptOutcome, method: MethodOutliers): boolean {
    if (method.panicking) return false;
    const { run, window: own } = candidate.stats;
    const peers: Tally = { calls: method.window.calls - own.calls, faults: method.window.faults - own.faults };
    const reason = runIsOutlier(run, peers)
      ? `${run} calls in a row failed`
      : shareIsOutlier(own, peers)
        ? `${own.faults} of ${own.calls} calls failed in ${OUTLIER_WINDOW_MS / 1_000} s`
        : undefined;
    if (reason === undefined || !method.candidates.includes(candidate)) return false;
    const text = `${reason} (${textOf(error)})`;
    return method.eject(candidate, { cause: 'faults', reason: text, now, random: this.#random });
  }

  #of(method: Method): MethodOutliers {
    const known = this.#methods.get(method.path);
    if (known !== undefined) return known;
    const outliers = new MethodOutliers(method, this.#alike);
    this.#methods.set(method.path, outliers);
    return outliers;
  }
}

interface ProbeEnd {
  readonly outcome: AttemptOutcome;
  readonly method: MethodOutliers;
}

function textOf(error: unknown): string {
  if (!(error instanceof RpcError)) return 'no answer';
  const { codeName, message } = error;
  const text = message.length > MAX_REASON_LENGTH ? `${message.slice(0, MAX_REASON_LENGTH)}…` : message;
  return `${codeName}: ${text}`;
}

/** What an outcome says of its candidate: it works, it is to blame, or nothing. */
type Verdict = 'answer' | 'fault' | 'untelling';

/** What `outcome` says of `candidate`, by what is known of its method. */
function classify(candidate: MethodCandidate, outcome: AttemptOutcome, method: MethodOutliers): Verdict {
  const { error, endedBy } = outcome;
  if (endedBy === 'left') return 'untelling';
  if (endedBy === 'expired') return onExpiry(candidate, outcome, method);
  if (error === undefined) return 'answer';
  if (!(error instanceof RpcError)) return 'untelling';
  if (error instanceof TransportError) return onConnection(candidate, error);
  if (error.code === Status.DEADLINE_EXCEEDED) return onExpiry(candidate, outcome, method);
  if (isServerFault(error.code)) return 'fault';
  return isNeutral(error.code) ? 'untelling' : 'answer';
}

/** A caller that is in more of a hurry than the method ever is has nobody to blame. */
function onExpiry(candidate: MethodCandidate, { elapsedMs }: AttemptOutcome, method: MethodOutliers): Verdict {
  return elapsedMs >= method.blameFromMs(candidate) ? 'fault' : 'untelling';
}

/**
 * A connection that broke took all calls in flight with it: that is one fault, and counted where it is seen. A call that
 * failed while its connection stands is the server's.
 */
function onConnection({ subchannel }: MethodCandidate, { reach, foreign }: TransportError): Verdict {
  return reach === 'unknown' && !foreign && subchannel.transport.state === 'ready' ? 'fault' : 'untelling';
}
