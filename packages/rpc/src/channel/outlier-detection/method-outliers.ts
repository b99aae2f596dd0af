import type { Random } from '@rondo/base';
import type { Method } from '../../contract/method.js';
import { regionOf } from '../../resolver/endpoint.js';
import { groupBy } from '../group-by.js';
import type { MethodCandidate } from '../method-candidate.js';
import { maxEjected, median, mostlyFails, slowFromMs } from './criteria.js';
import type { EjectOptions } from './ejection.js';
import { OUTLIER_WINDOW_MS, OutcomeWindow } from './outcome-window.js';

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
  readonly window = new OutcomeWindow();
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
