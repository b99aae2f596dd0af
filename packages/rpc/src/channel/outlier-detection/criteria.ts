import { Status } from '../../status/code.js';
import type { CallCounts } from './outcome-window.js';

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
