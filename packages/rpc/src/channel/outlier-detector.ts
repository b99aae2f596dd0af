import type { Random } from '@rondo/base';
import type { PolicyTraits } from '../contract/balancing.js';
import type { Method } from '../contract/method.js';
import { regionOf } from '../resolver/endpoint.js';
import { Status } from '../status/code.js';
import { RpcError } from '../status/rpc-error.js';
import { TransportError } from '../status/wire-errors.js';
import { groupBy } from './group-by.js';
import {
  type CallCounts,
  CallWindow,
  type EjectOptions,
  isConsecutiveOutlier,
  isNeutral,
  isRateOutlier,
  isServerFault,
  MAX_LOST_CONNECTIONS,
  maxEjected,
  median,
  mostlyFails,
  OUTLIER_WINDOW_MS,
  slowFromMs,
} from './outcomes.js';
import type { AttemptOutcome, MethodCandidate, Subchannel } from './subchannel.js';

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

/** How often the candidates are compared. Milliseconds. */
const SWEEP_MS = 1_000;
/** How many comparisons in a row must find a candidate slow. */
const SLOW_SWEEPS = 3;
/** The minimum of candidates to compare: with fewer, no majority shows which latency is normal. */
const MIN_COMPARED = 3;
/** An attempt that took this much of the method's timeout is the server's fault: the call may have waited before it. */
const BLAMED_PART_OF_TIMEOUT = 0.9;

/** Outlier detection for one method: compares its candidates and ejects the outliers. */
export class MethodOutliers {
  /** The calls of all candidates. */
  readonly window = new CallWindow(OUTLIER_WINDOW_MS);
  /** Whether the method's latencies can be compared. False for streams, whose duration depends on how fast the client reads or writes. */
  readonly comparesLatency: boolean;
  /** The connected candidates that don't refuse the method. */
  candidates: readonly MethodCandidate[] = [];
  /** When the candidates are compared again. */
  sweepAt = Number.NEGATIVE_INFINITY;
  readonly #timeoutMs: number;
  readonly #streams: boolean;
  /** The usual latency by region: distant regions may take longer. Milliseconds. */
  readonly #usualMs = new Map<string, number>();
  #panicSince: number | undefined;
  #tooManyEjected = false;

  /** @param alike whether all candidates get the same kind of calls, so that their latencies can be compared. */
  constructor({ requestStream, responseStream, policy }: Method, alike: boolean) {
    this.#streams = requestStream || responseStream;
    this.comparesLatency = alike && !this.#streams;
    this.#timeoutMs = policy.timeoutMs ?? policy.defaultTimeoutMs ?? Number.POSITIVE_INFINITY;
  }

  /** Whether too many candidates fail, so that none is ejected. Source: Envoy's panic threshold. */
  get panicking(): boolean {
    return this.#panicSince !== undefined;
  }

  /** Why failing candidates get calls, for messages; undefined if they don't. */
  get panic(): string | undefined {
    return this.panicking || this.#tooManyEjected
      ? 'most of its instances fail, so that calls go to all of them'
      : undefined;
  }

  /** The latency from which a call at the candidate is slow. Milliseconds. */
  slowFromMs({ zone }: MethodCandidate): number {
    const usualMs = this.#usualMs.get(regionOf(zone));
    return usualMs === undefined ? Number.POSITIVE_INFINITY : slowFromMs(usualMs);
  }

  /** How long an attempt must have taken for an exceeded deadline to be the server's fault. Milliseconds. */
  blameFromMs(candidate: MethodCandidate): number {
    if (this.#streams) return Number.POSITIVE_INFINITY;
    return Math.min(this.slowFromMs(candidate), this.#timeoutMs * BLAMED_PART_OF_TIMEOUT);
  }

  /** Sets the candidates. If some have left, more may be ejected than the limit allows: then ejected candidates take calls too. */
  settle(candidates: readonly MethodCandidate[]): void {
    this.candidates = candidates.filter(({ refuses }) => !refuses);
    const ejected = this.candidates.filter((candidate) => candidate.ejected);
    for (const candidate of candidates) candidate.inPanic = false;
    this.#tooManyEjected = false;
    const excess = ejected.length - this.#cap;
    if (excess <= 0 || this.candidates.length < 2) return;
    this.#tooManyEjected = ejected.filter(isFailing).length > this.#cap;
    const quickest = ejected
      .filter((candidate) => !isFailing(candidate))
      .sort(byLatency)
      .slice(0, excess);
    for (const candidate of this.#tooManyEjected ? ejected : quickest) candidate.inPanic = true;
  }

  /** Ejects a candidate for its faults, unless too many would be ejected. Returns whether the pick has to change. */
  eject(candidate: MethodCandidate, options: EjectOptions): boolean {
    const { now } = options;
    if (this.candidates.length < 2) return false;
    if (this.candidates.filter(isFailing).length + 1 > this.#cap) return this.#panicAt(now);
    const elsewhere = [...candidate.subchannel.candidates].some(
      (other) => other !== candidate && hasAnswered(other, now),
    );
    const { ejection } = elsewhere ? candidate : candidate.subchannel;
    ejection.begin(options);
    return true;
  }

  /** Compares the candidates. Returns whether the pick has to change. */
  sweep(now: number, random: Random): boolean {
    this.sweepAt = now + SWEEP_MS;
    for (const { stats } of this.candidates) stats.window.advance(now);
    const failing = this.candidates.filter(
      (candidate) => isFailing(candidate) || mostlyFails(candidate.stats.window),
    ).length;
    if (this.candidates.length > 1 && failing > this.#cap) return this.#panicAt(now);
    if (this.#panicSince !== undefined && now - this.#panicSince >= OUTLIER_WINDOW_MS) this.#panicSince = undefined;
    return this.comparesLatency && this.#compareLatency(now, random);
  }

  get #cap(): number {
    return maxEjected(this.candidates.length);
  }

  /** Enters panic mode: if many instances fail, the cause lies elsewhere. All take calls until fewer fail. */
  #panicAt(now: number): boolean {
    this.#panicSince ??= now;
    const ejected = this.candidates.filter((candidate) => candidate.ejected);
    for (const { ejection, subchannel } of ejected) {
      ejection.end(now);
      subchannel.ejection.end(now);
    }
    return ejected.length > 0;
  }

  #compareLatency(now: number, random: Random): boolean {
    const comparable = this.candidates.filter((candidate) => !candidate.ejected && candidate.stats.comparable);
    const regions = groupBy(comparable, ({ zone }) => regionOf(zone));
    const slow = [...regions].flatMap(([region, candidates]) => this.#slowOf(region, candidates));
    const room = this.panicking ? 0 : this.#cap - this.candidates.filter((candidate) => candidate.ejected).length;
    const outliers = slow.sort(byLatency).reverse().slice(0, Math.max(0, room));
    for (const candidate of outliers) {
      const usualMs = this.#usualMs.get(regionOf(candidate.zone)) ?? Number.NaN;
      const reason = `${roundMs(candidate.stats.latency.ms)} ms a call where ${roundMs(usualMs)} ms are usual`;
      candidate.ejection.begin({ cause: 'latency', reason, now, random });
    }
    return outliers.length > 0;
  }

  /** The candidates that were slow in several comparisons in a row. */
  #slowOf(region: string, candidates: readonly MethodCandidate[]): readonly MethodCandidate[] {
    const usualMs = median(candidates.map(({ stats }) => stats.latency.ms));
    this.#usualMs.set(region, usualMs);
    const fromMs = candidates.length < MIN_COMPARED ? Number.POSITIVE_INFINITY : slowFromMs(usualMs);
    for (const { stats } of candidates) stats.onCompared(stats.latency.ms > fromMs);
    return candidates.filter(({ stats }) => stats.slowSweeps >= SLOW_SWEEPS);
  }
}

/** Whether a candidate is ejected for anything but latency. */
function isFailing({ ejection, subchannel }: MethodCandidate): boolean {
  return subchannel.ejection.cause !== undefined || (ejection.cause !== undefined && ejection.cause !== 'latency');
}

/** Whether a candidate has answered within the window. */
function hasAnswered({ stats }: MethodCandidate, now: number): boolean {
  return now - stats.answeredAt <= OUTLIER_WINDOW_MS;
}

function byLatency(a: MethodCandidate, b: MethodCandidate): number {
  return a.stats.latency.ms - b.stats.latency.ms;
}

function roundMs(ms: number): number {
  return ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms);
}
