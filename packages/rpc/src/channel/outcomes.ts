import type { Random } from '@rondo/base';
import { Status } from '../status/code.js';

/**
 * Status codes that are the server's own fault. With any other code the server works and the request was wrong, forbidden
 * or about something missing. `RESOURCE_EXHAUSTED` is no fault: ejecting a server that sheds load would move its load to the
 * next server, and so on.
 */
const SERVER_FAULTS: ReadonlySet<Status> = new Set([
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
]);

/** Whether a status code is the server's fault. */
export function isServerFault(code: Status): boolean {
  return SERVER_FAULTS.has(code);
}

/** Status codes that say nothing about the server's health. */
const NEUTRAL: ReadonlySet<Status> = new Set([Status.CANCELLED, Status.RESOURCE_EXHAUSTED, Status.UNIMPLEMENTED]);

/** Whether a status code says nothing, good or bad, about the server. */
export function isNeutral(code: Status): boolean {
  return NEUTRAL.has(code);
}

const MIN_CONSECUTIVE_FAULTS = 5;
/** The minimum of calls before the failure rate counts. */
const MIN_CALLS = 20;
/** How far the failure rate must be above the peers' rate. */
const MIN_EXCESS = 0.3;
/** Ejections by mere chance must be rarer than one in 10^8. */
const CERTAINTY = Math.log(1e8);

/** Whether so many consecutive faults are more than chance explains, given how often the peers fail. */
export function isConsecutiveOutlier(consecutiveFaults: number, peers: CallCounts): boolean {
  return consecutiveFaults >= MIN_CONSECUTIVE_FAULTS && -consecutiveFaults * Math.log(faultRate(peers)) >= CERTAINTY;
}

/**
 * Whether a candidate's failure rate is far above its peers' rate: by 30 percentage points, and by more than chance explains
 * (Chernoff bound). gRFC A50's threshold of 1.9 standard deviations can't be reached among three replicas, where the largest
 * possible deviation is √2.
 */
export function isRateOutlier(own: CallCounts, peers: CallCounts): boolean {
  if (own.calls < MIN_CALLS) return false;
  const rate = own.faults / own.calls;
  const usual = faultRate(peers);
  return rate - usual >= MIN_EXCESS && own.calls * divergence(rate, usual) >= CERTAINTY;
}

/** The failure rate; for few calls it is smoothed, so that it is never 0 or 1. Source: the Krichevsky–Trofimov estimator. */
function faultRate({ calls, faults }: CallCounts): number {
  return (Math.max(faults, 0) + 0.5) / (Math.max(calls, 0) + 1);
}

/** The Kullback–Leibler divergence of a rate from the expected one. */
function divergence(rate: number, expected: number): number {
  const rest = rate === 1 ? 0 : (1 - rate) * Math.log((1 - rate) / (1 - expected));
  return rate * Math.log(rate / expected) + rest;
}

const MOSTLY = 0.5;
const FEW_CALLS = 5;

/** Whether at least half of the calls fail, of at least five. */
export function mostlyFails({ calls, faults }: CallCounts): boolean {
  return calls >= FEW_CALLS && faults >= calls * MOSTLY;
}

/** The maximum of ejected candidates: half of `count`, rounded up, and never all. */
export function maxEjected(count: number): number {
  return Math.max(0, Math.min(count - 1, Math.ceil(count / 2)));
}

const SLOW_FACTOR = 3;
const SLOW_EXCESS_MS = 20;

/** The latency from which a call is slow: 3 × the usual one, and at least 20 ms more. Milliseconds. */
export function slowFromMs(usualMs: number): number {
  return Math.max(SLOW_FACTOR * usualMs, usualMs + SLOW_EXCESS_MS);
}

/** The median; of an even count, the geometric mean of the middle two. NaN if there are no values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  const lower = sorted[Math.ceil(half) - 1] ?? Number.NaN;
  return Math.sqrt(lower * upper);
}

/** A number of calls, and how many of them failed through the server's fault. */
export interface CallCounts {
  readonly calls: number;
  readonly faults: number;
}

/** How long outcomes count. Milliseconds. */
export const OUTLIER_WINDOW_MS = 10_000;

/** Counts the calls of a sliding window, and those of them that failed, in slots. It sets no timer: its callers pass the time. */
export class CallWindow implements CallCounts {
  calls = 0;
  faults = 0;
  readonly #slotMs: number;
  readonly #calls: number[];
  readonly #faults: number[];
  #slot = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number, slots = 10) {
    this.#slotMs = windowMs / slots;
    this.#calls = new Array<number>(slots).fill(0);
    this.#faults = new Array<number>(slots).fill(0);
  }

  /** Counts a call that ended at `now`. Returns whether another slot has begun. */
  note(failed: boolean, now: number): boolean {
    const isNewSlot = this.advance(now);
    const index = this.#slot % this.#calls.length;
    this.#calls[index] = (this.#calls[index] ?? 0) + 1;
    this.calls += 1;
    if (!failed) return isNewSlot;
    this.#faults[index] = (this.#faults[index] ?? 0) + 1;
    this.faults += 1;
    return isNewSlot;
  }

  /** Drops the slots that are older than the window. Returns whether another slot has begun. */
  advance(now: number): boolean {
    const slots = this.#calls.length;
    const slot = Math.floor(now / this.#slotMs);
    if (slot <= this.#slot) return false;
    if (slot - this.#slot >= slots) this.clear();
    else for (let passed = this.#slot + 1; passed <= slot; passed += 1) this.#forget(passed % slots);
    this.#slot = slot;
    return true;
  }

  clear(): void {
    this.calls = 0;
    this.faults = 0;
    this.#calls.fill(0);
    this.#faults.fill(0);
  }

  #forget(index: number): void {
    this.calls -= this.#calls[index] ?? 0;
    this.faults -= this.#faults[index] ?? 0;
    this.#calls[index] = 0;
    this.#faults[index] = 0;
  }
}

/** How many calls a latency comparison needs. */
const MIN_COMPARED_CALLS = 10;

/** The recent outcomes and latency of one candidate's calls. */
export class CandidateStats {
  readonly window = new CallWindow(OUTLIER_WINDOW_MS);
  readonly latency = new Latency();
  consecutiveFaults = 0;
  /** When the last answer came, by the channel's clock. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** How many comparisons in a row found the candidate slow. */
  slowSweeps = 0;
  #compared = 0;

  onSuccess(now: number): void {
    this.window.note(false, now);
    this.consecutiveFaults = 0;
    this.answeredAt = now;
  }

  onFault(now: number): void {
    this.window.note(true, now);
    this.consecutiveFaults += 1;
  }

  /** Whether there are enough recent calls to compare the latency. */
  get comparable(): boolean {
    return this.latency.count >= MIN_COMPARED_CALLS && this.window.calls >= MIN_COMPARED_CALLS;
  }

  /** Counts a comparison with the peers. A comparison without a new call does not count. */
  onCompared(slow: boolean): void {
    if (!slow) this.slowSweeps = 0;
    else if (this.latency.count !== this.#compared) this.slowSweeps += 1;
    this.#compared = this.latency.count;
  }

  /** Forgets everything, for a candidate that takes calls again. */
  clear(): void {
    this.window.clear();
    this.latency.clear();
    this.consecutiveFaults = 0;
    this.slowSweeps = 0;
  }
}

/** The weight of one call in the mean: about the last 20 calls decide. */
const WEIGHT = 1 / 20;
const LEAST_MS = 0.01;

/**
 * The usual latency: an exponentially weighted geometric mean. For latencies, which are about log-normal, it estimates the
 * median, so a few very slow calls hardly move it.
 */
class Latency {
  /** The number of calls counted. */
  count = 0;
  #log = 0;

  /** Counts a call that took `ms` milliseconds. */
  note(ms: number): void {
    this.count += 1;
    this.#log += (Math.log(Math.max(ms, LEAST_MS)) - this.#log) * Math.max(WEIGHT, 1 / this.count);
  }

  /** The usual latency in milliseconds; meaningless while `count` is 0. */
  get ms(): number {
    return Math.exp(this.#log);
  }

  clear(): void {
    this.count = 0;
    this.#log = 0;
  }
}

/** How many lost connections within the window eject an instance. A restart loses one. */
export const MAX_LOST_CONNECTIONS = 3;

/** The times of an instance's recent lost connections. */
export class ConnectionFailures {
  #at: readonly number[] = [];

  /** Counts one at `now`. Returns whether that is too many within {@link OUTLIER_WINDOW_MS}. */
  note(now: number): boolean {
    this.#at = [...this.#at, now].slice(-MAX_LOST_CONNECTIONS);
    const [first = now] = this.#at;
    return this.#at.length === MAX_LOST_CONNECTIONS && now - first <= OUTLIER_WINDOW_MS;
  }

  clear(): void {
    this.#at = [];
  }
}

/** Why an instance is ejected: failed calls, slow calls, or lost connections. */
type EjectionCause = 'faults' | 'latency' | 'connection';

/** The details of an ejection. */
export interface EjectOptions {
  readonly cause: EjectionCause;
  /** For messages, such as `5 calls in a row failed`. */
  readonly reason: string;
  readonly now: number;
  readonly random: Random;
}

/** The ejection time: it doubles with each ejection in a row, up to a minute. Milliseconds. */
const BASE_EJECTION_MS = 2_000;
const MAX_EJECTION_MS = 60_000;
/** The ejection time varies by ± 10 %, so that not all clients probe at the same moment. */
const JITTER = 0.1;
/** Each minute without an ejection halves the next ejection time. */
const FORGIVEN_AFTER_MS = 60_000;
/** How long a probe may run before the next one may start. */
const PROBE_TIMEOUT_MS = 10_000;
/** The time to the next probe after a neutral outcome, and after a reconnect: another process may answer. */
const SOON_MS = 1_000;
/** How much longer calls that must not be repeated wait before they may probe. */
const UNSAFE_DELAY_MS = 1_000;

/**
 * The ejection state of an instance, for one method or for all. An ejected instance gets no calls for 2, 4, 8 … 60
 * s; then one call probes it. The class sets no timer: its callers pass the time.
 */
export class Ejection {
  /** Why the instance is ejected; undefined if it isn't. */
  cause: EjectionCause | undefined;
  #reason = '';
  /** The number of previous ejections that still count. */
  #count = 0;
  /** When the ejection time ends. */
  #dueAt = 0;
  /** When the next call may probe. */
  #probeAt = 0;
  #endedAt = 0;

  begin({ cause, reason, now, random }: EjectOptions): void {
    const forgiven = Math.floor((now - this.#endedAt) / FORGIVEN_AFTER_MS);
    this.#count = Math.max(0, this.#count - forgiven);
    this.cause = cause;
    this.#reason = reason;
    this.#wait(now, random);
  }

  /** Extends the ejection after a failed probe. It has no effect before the ejection time has ended. */
  extend(now: number, random: Random): void {
    if (this.cause !== undefined && now >= this.#dueAt) this.#wait(now, random);
  }

  end(now: number): void {
    this.cause = undefined;
    this.#endedAt = now;
  }

  /** Whether a call may probe the instance now; `safe` calls may be repeated. Blocks further probes for a while. */
  mayProbe(now: number, { safe }: { readonly safe: boolean } = { safe: true }): boolean {
    if (now < (safe ? this.#probeAt : this.#probeAt + UNSAFE_DELAY_MS)) return false;
    this.#probeAt = now + PROBE_TIMEOUT_MS;
    return true;
  }

  /** Lets another call probe the instance soon. */
  probeSoon(now: number): void {
    this.#probeAt = Math.min(this.#probeAt, now + SOON_MS);
    this.#dueAt = Math.min(this.#dueAt, this.#probeAt);
  }

  /** The reason and the time of the next probe, such as `5 calls in a row failed, probed again in 3 s`. */
  describe(now: number): string {
    const leftMs = this.#dueAt - now;
    const when = leftMs > 0 ? `in ${Math.ceil(leftMs / 1_000)} s` : 'now';
    return `${this.#reason}, probed again ${when}`;
  }

  #wait(now: number, random: Random): void {
    const waitMs = Math.min(MAX_EJECTION_MS, BASE_EJECTION_MS * 2 ** this.#count);
    this.#count += 1;
    this.#dueAt = now + waitMs * (1 - JITTER + 2 * JITTER * random.next());
    this.#probeAt = this.#dueAt;
  }
}
