import { regionOf } from '../../balancer/locality.js';
import type { Random } from '../../clock/index.js';
import type { Method } from '../../contract/index.js';
import type { EjectOptions } from './ejection.js';
import { ejectionCap, median, mostlyFails, slowFromMs } from './criteria.js';
import { OUTLIER_WINDOW_MS, OutcomeWindow } from './outcome-window.js';
import { groupBy } from '../group-by.js';
import type { Target } from '../method-subchannel.js';

/** How often targets are compared. Milliseconds. */
const SWEEP_MS = 1_000;
/** So many comparisons in a row must find one slow. */
const SLOW_SWEEPS = 3;
/** Of so few no majority tells which one is as it should be. */
const LEAST_COMPARED = 3;
/** A try gets less time than its call, which may have waited before. */
const MOST_OF_TIMEOUT = 0.9;

/** How the targets of one method compare. */
export class MethodOutliers {
  /** The calls of all of them. */
  readonly window = new OutcomeWindow();
  /** Whether the times of its calls are the server's own: of streams, their reader or writer sets the pace. */
  readonly timed: boolean;
  /** Those that are connected and don't refuse. */
  targets: readonly Target[] = [];
  /** When they are to be compared again. */
  sweepAt = Number.NEGATIVE_INFINITY;
  readonly #timeoutMs: number;
  readonly #streams: boolean;
  /** What calls take, region by region: what is far away takes longer, and may. Milliseconds. */
  readonly #usualMs = new Map<string, number>();
  #panicSince: number | undefined;
  #crowded = false;

  /** @param alike whether all targets get calls of the same kind. */
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

  /** From which time on a call of the target is slow. Milliseconds. */
  slowFromMs({ zone }: Target): number {
    const usualMs = this.#usualMs.get(regionOf(zone));
    return usualMs === undefined ? Number.POSITIVE_INFINITY : slowFromMs(usualMs);
  }

  /** How long a call must have waited at the target for a deadline to be its fault. Milliseconds. */
  blameFromMs(target: Target): number {
    if (this.#streams) return Number.POSITIVE_INFINITY;
    return Math.min(this.slowFromMs(target), this.#timeoutMs * MOST_OF_TIMEOUT);
  }

  /** Notes who is there. Where others have left, more may be ejected than can be left out: then those take calls. */
  settle(targets: readonly Target[]): void {
    this.targets = targets.filter(({ refuses }) => !refuses);
    const ejected = this.targets.filter((target) => target.ejected);
    for (const target of targets) target.spared = false;
    this.#crowded = false;
    const excess = ejected.length - this.#cap;
    if (excess <= 0 || this.targets.length < 2) return;
    this.#crowded = ejected.filter(isSick).length > this.#cap;
    const quickest = ejected
      .filter((target) => !isSick(target))
      .sort(bySpeed)
      .slice(0, excess);
    for (const target of this.#crowded ? ejected : quickest) target.spared = true;
  }

  /** Ejects a target for its faults, unless too many would be. Gives whether who can be picked has changed. */
  eject(target: Target, options: EjectOptions): boolean {
    const { now } = options;
    if (this.targets.length < 2) return false;
    if (this.targets.filter(isSick).length + 1 > this.#cap) return this.#panicAt(now);
    const elsewhere = [...target.member.targets].some((other) => other !== target && answersAt(other, now));
    const { ejection } = elsewhere ? target : target.member;
    ejection.begin(options);
    return true;
  }

  /** Compares the targets. Gives whether who can be picked has changed. */
  sweep(now: number, random: Random): boolean {
    this.sweepAt = now + SWEEP_MS;
    for (const { conduct } of this.targets) conduct.window.roll(now);
    const failing = this.targets.filter((target) => isSick(target) || mostlyFails(target.conduct.window)).length;
    if (this.targets.length > 1 && failing > this.#cap) return this.#panicAt(now);
    if (this.#panicSince !== undefined && now - this.#panicSince >= OUTLIER_WINDOW_MS) this.#panicSince = undefined;
    return this.timed && this.#compareTimes(now, random);
  }

  get #cap(): number {
    return ejectionCap(this.targets.length);
  }

  /** As many fail as can't be left out: the fault is nobody's own. All take calls, until it is fewer. */
  #panicAt(now: number): boolean {
    this.#panicSince ??= now;
    const ejected = this.targets.filter((target) => target.ejected);
    for (const { ejection, member } of ejected) {
      ejection.end(now);
      member.ejection.end(now);
    }
    return ejected.length > 0;
  }

  #compareTimes(now: number, random: Random): boolean {
    const comparable = this.targets.filter((target) => !target.ejected && target.conduct.comparable);
    const regions = groupBy(comparable, ({ zone }) => regionOf(zone));
    const slow = [...regions].flatMap(([region, targets]) => this.#slowOf(region, targets));
    const room = this.panicking ? 0 : this.#cap - this.targets.filter((target) => target.ejected).length;
    const condemned = slow.sort(bySpeed).reverse().slice(0, Math.max(0, room));
    for (const target of condemned) {
      const usualMs = this.#usualMs.get(regionOf(target.zone)) ?? Number.NaN;
      const reason = `${roundMs(target.conduct.time.ms)} ms a call where ${roundMs(usualMs)} ms are usual`;
      target.ejection.begin({ cause: 'latency', reason, now, random });
    }
    return condemned.length > 0;
  }

  /** Those that have been slow for some time. */
  #slowOf(region: string, targets: readonly Target[]): readonly Target[] {
    const usualMs = median(targets.map(({ conduct }) => conduct.time.ms));
    this.#usualMs.set(region, usualMs);
    const fromMs = targets.length < LEAST_COMPARED ? Number.POSITIVE_INFINITY : slowFromMs(usualMs);
    for (const { conduct } of targets) conduct.compare(conduct.time.ms > fromMs);
    return targets.filter(({ conduct }) => conduct.slowFor >= SLOW_SWEEPS);
  }
}

/** Whether it is ejected for more than the time that it takes. */
function isSick({ ejection, member }: Target): boolean {
  return member.ejection.cause !== undefined || (ejection.cause !== undefined && ejection.cause !== 'latency');
}

/** Whether it has answered of late. */
function answersAt({ conduct }: Target, now: number): boolean {
  return now - conduct.answeredAt <= OUTLIER_WINDOW_MS;
}

function bySpeed(a: Target, b: Target): number {
  return a.conduct.time.ms - b.conduct.time.ms;
}

function roundMs(ms: number): number {
  return ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms);
}
