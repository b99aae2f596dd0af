import type { Random } from '@rondo/base';
import type { PolicyTraits } from '../../contract/balancing.js';
import type { Method } from '../../contract/method.js';
import { Status } from '../../status/code.js';
import { RpcError } from '../../status/rpc-error.js';
import { TransportError } from '../../status/wire-errors.js';
import type { AttemptOutcome, MethodCandidate } from '../method-candidate.js';
import type { Subchannel } from '../subchannel.js';
import { isConsecutiveOutlier, isNeutral, isRateOutlier, isServerFault } from './criteria.js';
import { MethodOutliers } from './method-outliers.js';
import { type CallCounts, MAX_LOST_CONNECTIONS, OUTLIER_WINDOW_MS } from './outcome-window.js';

interface OutliersOptions {
  readonly random: Random;
  readonly affinity: PolicyTraits['affinity'];
}

/** How much of a server's message an ejection's reason quotes. Characters. */
const MAX_REASON_LENGTH = 120;

/**
 * Outlier detection: ejects instances that do worse than their peers, per method, and readmits them when a probe
 * succeeds. After gRFC A50 and Envoy; docs/adr/0021-ejection-and-breakers.md says where it differs and why. Each method returns
 * whether the pickers must be replaced.
 */
export class OutlierDetector {
  readonly #random: Random;
  /** Whether all instances get the same kind of calls. By key they don't, so latencies can't be compared. */
  readonly #alike: boolean;
  readonly #methods = new Map<string, MethodOutliers>();

  constructor({ random, affinity }: OutliersOptions) {
    this.#random = random;
    this.#alike = affinity !== 'key';
  }

  /** Sets the candidates of `method`, of which only a limited part may be ejected. */
  settle(method: Method, candidates: readonly MethodCandidate[]): void {
    this.#of(method).settle(candidates);
  }

  /** Why calls of a method also go to failing instances (panic mode); undefined if they don't. */
  panic(path: string): string | undefined {
    return this.#methods.get(path)?.panic;
  }

  /** The paths of the methods in panic mode. */
  get panics(): readonly string[] {
    return [...this.#methods].filter(([, { panic }]) => panic !== undefined).map(([path]) => path);
  }

  /** An attempt has ended. */
  onEnd(candidate: MethodCandidate, outcome: AttemptOutcome): boolean {
    const method = this.#methods.get(candidate.path);
    if (method === undefined) return false;
    const verdict = classify(candidate, outcome, method);
    if (candidate.ejected) return outcome.probe === true && this.#onProbe(candidate, verdict, { outcome, method });
    if (verdict === 'neutral') return false;
    const { endedAt, error, elapsedMs } = outcome;
    const { stats } = candidate;
    const failed = verdict === 'fault';
    method.window.note(failed, endedAt);
    if (failed) stats.onFault(endedAt);
    else stats.onSuccess(endedAt);
    if (!failed && error === undefined && method.comparesLatency) stats.latency.note(elapsedMs);
    const swept = endedAt >= method.sweepAt && method.sweep(endedAt, this.#random);
    return (failed && this.#onFault(candidate, outcome, method)) || swept;
  }

  /** The response stream of a probe has begun: that is a success. */
  onStream(candidate: MethodCandidate, now: number): boolean {
    return this.onEnd(candidate, { error: undefined, elapsedMs: 0, endedAt: now, probe: true });
  }

  /** An established connection was lost. */
  onBreak(subchannel: Subchannel, now: number): void {
    if (!subchannel.connectionFailures.note(now)) return;
    const { ejection } = subchannel;
    const seconds = OUTLIER_WINDOW_MS / 1_000;
    const reason = `its connection broke ${MAX_LOST_CONNECTIONS} times in ${seconds} s`;
    if (ejection.cause !== undefined) ejection.extend(now, this.#random);
    else ejection.begin({ cause: 'connection', reason, now, random: this.#random });
  }

  #onProbe(candidate: MethodCandidate, verdict: Verdict, { outcome, method }: ProbeEnd): boolean {
    const { endedAt: now, error, elapsedMs } = outcome;
    const { ejection, subchannel } = candidate;
    const latencyUnknown = ejection.cause === 'latency' && error !== undefined;
    if (verdict === 'neutral' || (verdict === 'success' && latencyUnknown)) {
      ejection.probeSoon(now);
      subchannel.ejection.probeSoon(now);
      return false;
    }
    if (verdict === 'fault') {
      ejection.extend(now, this.#random);
      subchannel.ejection.extend(now, this.#random);
      return false;
    }
    const slow = ejection.cause === 'latency' && elapsedMs > method.slowFromMs(candidate);
    if (slow) ejection.extend(now, this.#random);
    else candidate.readmit(now);
    return subchannel.readmit(now) || !slow;
  }

  #onFault(candidate: MethodCandidate, { error, endedAt: now }: AttemptOutcome, method: MethodOutliers): boolean {
    if (method.panicking) return false;
    const { consecutiveFaults, window: own } = candidate.stats;
    const peers: CallCounts = { calls: method.window.calls - own.calls, faults: method.window.faults - own.faults };
    const reason = isConsecutiveOutlier(consecutiveFaults, peers)
      ? `${consecutiveFaults} calls in a row failed`
      : isRateOutlier(own, peers)
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

/** What an outcome says about the server. A neutral outcome says nothing. */
type Verdict = 'success' | 'fault' | 'neutral';

function classify(candidate: MethodCandidate, outcome: AttemptOutcome, method: MethodOutliers): Verdict {
  const { error, endedBy } = outcome;
  if (endedBy === 'caller') return 'neutral';
  if (endedBy === 'deadline' || endedBy === 'hedge') return onExpiry(candidate, outcome, method);
  if (error === undefined) return 'success';
  if (!(error instanceof RpcError)) return 'neutral';
  if (error instanceof TransportError) return onConnection(candidate, error);
  if (error.code === Status.DEADLINE_EXCEEDED) return onExpiry(candidate, outcome, method);
  if (isServerFault(error.code)) return 'fault';
  return isNeutral(error.code) ? 'neutral' : 'success';
}

/** An exceeded deadline is the server's fault only if the attempt took longer than the method usually does. */
function onExpiry(candidate: MethodCandidate, { elapsedMs }: AttemptOutcome, method: MethodOutliers): Verdict {
  return elapsedMs >= method.blameFromMs(candidate) ? 'fault' : 'neutral';
}

/**
 * A lost connection fails all calls in flight. It counts once, as a lost connection, so the calls are neutral. So are the
 * calls that leave a silent instance. A call that failed while its connection stands is the server's fault.
 */
function onConnection({ subchannel }: MethodCandidate, { reach, foreign }: TransportError): Verdict {
  const stands = subchannel.transport.state === 'ready' && !subchannel.silent;
  return reach === 'unknown' && !foreign && stands ? 'fault' : 'neutral';
}
