import { regionOf } from '../../balancer/locality.js';
import type { Random } from '../../clock/index.js';
import type { Method } from '../../contract/index.js';
import { groupBy } from '../group-by.js';
import type { MethodCandidate } from '../method-candidate.js';
import { ejectionCap, median, mostlyFails, slowFromMs } from './criteria.js';
import type { EjectOptions } from './ejection.js';
import { OUTLIER_WINDOW_MS, OutcomeWindow } from './outcome-window.js';

/** How often candidates are compared. Milliseconds. */
const SWEEP_MS = 1_000;
/** So many comparisons in a row must find one slow. */
const SLOW_SWEEPS = 3;
/** Of so few no majority tells which one is as it should be. */
const LEAST_COMPARED = 3;
/** A try gets less time than its call, which may have waited before. */
const MOST_OF_TIMEOUT = 0.9;

/** How the candidates of one method compare. */
export class MethodOutliers {
  /** The calls of all of them. */
  readonly window = new OutcomeWindow();
  /** Whether the times of its calls are the server's own: of streams, their reader or writer sets the pace. */
  readonly timed: boolean;
  /** Those that are connected and don't refuse. */
  candidates: readonly MethodCandidate[] = [];
  /** When they are to be compared again. */
  sweepAt = Number.NEGATIVE_INFINITY;
  readonly #timeoutMs: number;
  readonly #streams: boolean;
  /** What calls take, region by region: what is far away takes longer, and may. Milliseconds. */
  readonly #usualMs = new Map<string, number>();
  #panicSince: number | undefined;
  #crowded = false;

  /** @param alike whether all candidates get calls of the same kind. */
  constructor({ requestStream, responseStream, policy }: Method, alike: boolean) {
    this.#streams = requestStream || responseStream;
    this.timed = alike && !this.#streams;
    this.#timeoutMs = policy.timeoutMs ?? policy.defaultTimeoutMs ?? Number.POSITIVE_INFINITY;
  }

  /** Whether nobody is ejected any more, as too many fail. */
  get panicking(): boolean {
    return this.#panicSince !== undefined;
  }

  /** The same in words; undefined where it isn't so. */
  get panic(): string | undefined {
    return this.panicking || this.#crowded ? 'most of its instances fail, so that calls go to all of them' : undefined;
  }

  /** From which time on a call of the candidate is slow. Milliseconds. */
  slowFromMs({ zone }: MethodCandidate): number {
    const usualMs = this.#usualMs.get(regionOf(zone));
    return usualMs === undefined ? Number.POSITIVE_INFINITY : slowFromMs(usualMs);
  }

  /** How long a call must have waited at the candidate for a deadline to be its fault. Milliseconds. */
  blameFromMs(candidate: MethodCandidate): number {
    if (this.#streams) return Number.POSITIVE_INFINITY;
    return Math.min(this.slowFromMs(candidate), this.#timeoutMs * MOST_OF_TIMEOUT);
  }

  /** Notes who is there. Where others have left, more may be ejected than can be left out: then those take calls. */
  settle(candidates: readonly MethodCandidate[]): void {
    this.candidates = candidates.filter(({ refuses }) => !refuses);
    const ejected = this.candidates.filter((candidate) => candidate.ejected);
    for (const candidate of candidates) candidate.inPanic = false;
    this.#crowded = false;
    const excess = ejected.length - this.#cap;
    if (excess <= 0 || this.candidates.length < 2) return;
    this.#crowded = ejected.filter(isSick).length > this.#cap;
    const quickest = ejected
      .filter((candidate) => !isSick(candidate))
      .sort(bySpeed)
      .slice(0, excess);
    for (const candidate of this.#crowded ? ejected : quickest) candidate.inPanic = true;
  }

  /** Ejects a candidate for its faults, unless too many would be. Gives whether who can be picked has changed. */
  eject(candidate: MethodCandidate, options: EjectOptions): boolean {
    const { now } = options;
    if (this.candidates.length < 2) return false;
    if (this.candidates.filter(isSick).length + 1 > this.#cap) return this.#panicAt(now);
    const elsewhere = [...candidate.subchannel.candidates].some(
      (other) => other !== candidate && answersAt(other, now),
    );
    const { ejection } = elsewhere ? candidate : candidate.subchannel;
    ejection.begin(options);
    return true;
  }

  /** Compares the candidates. Gives whether who can be picked has changed. */
  sweep(now: number, random: Random): boolean {
    this.sweepAt = now + SWEEP_MS;
    for (const { stats } of this.candidates) stats.window.roll(now);
    const failing = this.candidates.filter(
      (candidate) => isSick(candidate) || mostlyFails(candidate.stats.window),
    ).length;
    if (this.candidates.length > 1 && failing > this.#cap) return this.#panicAt(now);
    if (this.#panicSince !== undefined && now - this.#panicSince >= OUTLIER_WINDOW_MS) this.#panicSince = undefined;
    return this.timed && this.#compareTimes(now, random);
  }

  get #cap(): number {
    return ejectionCap(this.candidates.length);
  }

  /** As many fail as can't be left out: the fault is nobody's own. All take calls, until it is fewer. */
  #panicAt(now: number): boolean {
    this.#panicSince ??= now;
    const ejected = this.candidates.filter((candidate) => candidate.ejected);
    for (const { ejection, subchannel } of ejected) {
      ejection.end(now);
      subchannel.ejection.end(now);
    }
    return ejected.length > 0;
  }

  #compareTimes(now: number, random: Random): boolean {
    const comparable = this.candidates.filter((candidate) => !candidate.ejected && candidate.stats.comparable);
    const regions = groupBy(comparable, ({ zone }) => regionOf(zone));
    const slow = [...regions].flatMap(([region, candidates]) => this.#slowOf(region, candidates));
    const room = this.panicking ? 0 : this.#cap - this.candidates.filter((candidate) => candidate.ejected).length;
    const condemned = slow.sort(bySpeed).reverse().slice(0, Math.max(0, room));
    for (const candidate of condemned) {
      const usualMs = this.#usualMs.get(regionOf(candidate.zone)) ?? Number.NaN;
      const reason = `${roundMs(candidate.stats.time.ms)} ms a call where ${roundMs(usualMs)} ms are usual`;
      candidate.ejection.begin({ cause: 'latency', reason, now, random });
    }
    return condemned.length > 0;
  }

  /** Those that have been slow for some time. */
  #slowOf(region: string, candidates: readonly MethodCandidate[]): readonly MethodCandidate[] {
    const usualMs = median(candidates.map(({ stats }) => stats.time.ms));
    this.#usualMs.set(region, usualMs);
    const fromMs = candidates.length < LEAST_COMPARED ? Number.POSITIVE_INFINITY : slowFromMs(usualMs);
    for (const { stats } of candidates) stats.compare(stats.time.ms > fromMs);
    return candidates.filter(({ stats }) => stats.slowFor >= SLOW_SWEEPS);
  }
}

/** Whether it is ejected for more than the time that it takes. */
function isSick({ ejection, subchannel }: MethodCandidate): boolean {
  return subchannel.ejection.cause !== undefined || (ejection.cause !== undefined && ejection.cause !== 'latency');
}

/** Whether it has answered of late. */
function answersAt({ stats }: MethodCandidate, now: number): boolean {
  return now - stats.answeredAt <= OUTLIER_WINDOW_MS;
}

function bySpeed(a: MethodCandidate, b: MethodCandidate): number {
  return a.stats.time.ms - b.stats.time.ms;
}

function roundMs(ms: number): number {
  return ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms);
}
