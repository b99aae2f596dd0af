import type { Random } from '../../clock/index.js';
import type { Balancing, Method } from '../../contract/index.js';
import { OUTLIER_WINDOW_MS, type Tally, TOO_MANY_BREAKS } from './outcome-window.js';
import { runIsOutlier, shareIsOutlier, isServerFault, isUntelling } from './criteria.js';
import { RpcError, Status } from '../../status/index.js';
import type { Member } from '../subchannel.js';
import type { Target, TryOutcome } from '../method-subchannel.js';
import { MethodOutliers } from './method-outliers.js';
import { TransportError } from '../../transport/index.js';

/** What outliers are found with. */
interface OutliersOptions {
  readonly random: Random;
  readonly policy: Balancing['policy'];
}

/** Of what a server says, so much stands in a reason. */
const MAX_REASON_LENGTH = 120;

/**
 * Ejects the members of a group that do worse than their peers, each for the method in which it does, and lets them
 * back when a call that asks is answered. After gRFC A50 and Envoy's outlier detection; docs/adr/0021-ejection.md says
 * where it differs and why. Each method here gives whether who can be picked has changed.
 */
export class Outliers {
  readonly #random: Random;
  /** Where a call's key decides who gets it, one gets other calls than another: their times can't be compared. */
  readonly #alike: boolean;
  readonly #methods = new Map<string, MethodOutliers>();

  constructor({ random, policy }: OutliersOptions) {
    this.#random = random;
    this.#alike = policy !== 'ring_hash';
  }

  /** These are the ones that calls of `method` can go to: too many of them are never ejected. */
  settle(method: Method, targets: readonly Target[]): void {
    this.#of(method).settle(targets);
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
  onEnd(target: Target, outcome: TryOutcome): boolean {
    const method = this.#methods.get(target.path);
    if (method === undefined) return false;
    const verdict = verdictOf(target, outcome, method);
    if (target.ejected) return outcome.probe === true && this.#onProbe(target, verdict, { outcome, method });
    if (verdict === 'untelling') return false;
    const { endedAt, error, elapsedMs } = outcome;
    const { conduct } = target;
    const failed = verdict === 'fault';
    method.window.note(failed, endedAt);
    if (failed) conduct.failed(endedAt);
    else conduct.answered(endedAt);
    if (!failed && error === undefined && method.timed) conduct.time.note(elapsedMs);
    const swept = endedAt >= method.sweepAt && method.sweep(endedAt, this.#random);
    return (failed && this.#onFault(target, outcome, method)) || swept;
  }

  /** An answer to a stream's call has begun to come: where it asked, that is enough. */
  onStream(target: Target, now: number): boolean {
    return this.onEnd(target, { error: undefined, elapsedMs: 0, endedAt: now, probe: true });
  }

  /** A connection broke. */
  onBreak(member: Member, now: number): void {
    if (!member.breaks.note(now)) return;
    const { ejection } = member;
    const seconds = OUTLIER_WINDOW_MS / 1_000;
    const reason = `its connection broke ${TOO_MANY_BREAKS} times in ${seconds} s`;
    if (ejection.cause !== undefined) ejection.renew(now, this.#random);
    else ejection.begin({ cause: 'connection', reason, now, random: this.#random });
  }

  #onProbe(target: Target, verdict: Verdict, { outcome, method }: ProbeEnd): boolean {
    const { endedAt: now, error, elapsedMs } = outcome;
    const { ejection, member } = target;
    const untimed = ejection.cause === 'latency' && error !== undefined;
    if (verdict === 'untelling' || (verdict === 'answer' && untimed)) {
      ejection.askSoon(now);
      member.ejection.askSoon(now);
      return false;
    }
    if (verdict === 'fault') {
      ejection.renew(now, this.#random);
      member.ejection.renew(now, this.#random);
      return false;
    }
    const slow = ejection.cause === 'latency' && elapsedMs > method.slowFromMs(target);
    if (slow) ejection.renew(now, this.#random);
    else target.restart(now);
    return member.restart(now) || !slow;
  }

  #onFault(target: Target, { error, endedAt: now }: TryOutcome, method: MethodOutliers): boolean {
    if (method.panicking) return false;
    const { run, window: own } = target.conduct;
    const peers: Tally = { calls: method.window.calls - own.calls, faults: method.window.faults - own.faults };
    const reason = runIsOutlier(run, peers)
      ? `${run} calls in a row failed`
      : shareIsOutlier(own, peers)
        ? `${own.faults} of ${own.calls} calls failed in ${OUTLIER_WINDOW_MS / 1_000} s`
        : undefined;
    if (reason === undefined || !method.targets.includes(target)) return false;
    const text = `${reason} (${textOf(error)})`;
    return method.eject(target, { cause: 'faults', reason: text, now, random: this.#random });
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
  readonly outcome: TryOutcome;
  readonly method: MethodOutliers;
}

function textOf(error: unknown): string {
  if (!(error instanceof RpcError)) return 'no answer';
  const { codeName, message } = error;
  const text = message.length > MAX_REASON_LENGTH ? `${message.slice(0, MAX_REASON_LENGTH)}…` : message;
  return `${codeName}: ${text}`;
}

/** What an outcome says of its target: it works, it is to blame, or nothing. */
type Verdict = 'answer' | 'fault' | 'untelling';

/** What `outcome` says of `target`, by what is known of its method. */
function verdictOf(target: Target, outcome: TryOutcome, method: MethodOutliers): Verdict {
  const { error, over } = outcome;
  if (over === 'left') return 'untelling';
  if (over === 'expired') return onExpiry(target, outcome, method);
  if (error === undefined) return 'answer';
  if (!(error instanceof RpcError)) return 'untelling';
  if (error instanceof TransportError) return onConnection(target, error);
  if (error.code === Status.DEADLINE_EXCEEDED) return onExpiry(target, outcome, method);
  if (isServerFault(error.code)) return 'fault';
  return isUntelling(error.code) ? 'untelling' : 'answer';
}

/** A caller that is in more of a hurry than the method ever is has nobody to blame. */
function onExpiry(target: Target, { elapsedMs }: TryOutcome, method: MethodOutliers): Verdict {
  return elapsedMs >= method.blameFromMs(target) ? 'fault' : 'untelling';
}

/**
 * A connection that broke took all calls in flight with it: that is one fault, and counted where it is seen. A call that
 * failed while its connection stands is the server's.
 */
function onConnection({ member }: Target, { reach, foreign }: TransportError): Verdict {
  return reach === 'unknown' && !foreign && member.transport.state === 'ready' ? 'fault' : 'untelling';
}
