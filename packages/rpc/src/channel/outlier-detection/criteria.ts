import { Status } from '../../status/index.js';
import type { Tally } from './outcome-window.js';

/**
 * The answers that a server itself is to blame for. All others say of it that it works: what it was asked for was wrong,
 * forbidden or not there. `RESOURCE_EXHAUSTED` says no more than that it has enough to do: to set aside who sheds load
 * would put that load on the others, one after the other.
 */
const SERVER_FAULTS: ReadonlySet<Status> = new Set([
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
]);

/** Whether a server is to blame for an answer. */
export function isServerFault(code: Status): boolean {
  return SERVER_FAULTS.has(code);
}

/** Answers that say nothing of how well the server works. */
const UNTELLING: ReadonlySet<Status> = new Set([Status.CANCELLED, Status.RESOURCE_EXHAUSTED, Status.UNIMPLEMENTED]);

/** Whether an answer says nothing, good or bad, of the server. */
export function isNeutral(code: Status): boolean {
  return UNTELLING.has(code);
}

/** So many in a row at the least. */
const LEAST_RUN = 5;
/** So many calls at the least before their share of failures counts. */
const LEAST_CALLS = 20;
/** So much more than its peers' must be the share that fails. */
const LEAST_EXCESS = 0.3;
/** Chance is to give less than one in 10^8 of what condemns a server. */
const CERTAINTY = Math.log(1e8);

/** Whether so many faults of one candidate in a row are more than chance gives, as often as its peers fail. */
export function runIsOutlier(run: number, peers: Tally): boolean {
  return run >= LEAST_RUN && -run * Math.log(faultShare(peers)) >= CERTAINTY;
}

/**
 * Whether the share of a candidate's calls that fail is far above its peers': by 30 points, and by more than chance gives
 * (Chernoff's bound). 1.9 standard deviations below the mean, as in gRFC A50, is where none of three replicas can ever be:
 * the root of two is the most.
 */
export function shareIsOutlier(own: Tally, peers: Tally): boolean {
  if (own.calls < LEAST_CALLS) return false;
  const share = own.faults / own.calls;
  const usual = faultShare(peers);
  return share - usual >= LEAST_EXCESS && own.calls * divergence(share, usual) >= CERTAINTY;
}

/** Neither 0 nor 1, however few the calls. After Krichevsky and Trofimov. */
function faultShare({ calls, faults }: Tally): number {
  return (Math.max(faults, 0) + 0.5) / (Math.max(calls, 0) + 1);
}

/** How far a share is from the one that was to be expected. After Kullback and Leibler. */
function divergence(share: number, expected: number): number {
  const rest = share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - expected));
  return share * Math.log(share / expected) + rest;
}

const MOSTLY = 0.5;
const FEW_CALLS = 5;

/** Whether most of its calls fail. */
export function mostlyFails({ calls, faults }: Tally): boolean {
  return calls >= FEW_CALLS && faults >= calls * MOSTLY;
}

/** How many of `count` may be set aside: half of them, rounded up, and never the last. */
export function ejectionCap(count: number): number {
  return Math.max(0, Math.min(count - 1, Math.ceil(count / 2)));
}

const SLOW_FACTOR = 3;
const SLOW_EXCESS_MS = 20;

/** The time from which on a call is slow, where calls usually take `usualMs`. */
export function slowFromMs(usualMs: number): number {
  return Math.max(SLOW_FACTOR * usualMs, usualMs + SLOW_EXCESS_MS);
}

/** The median, where there is one between two numbers their geometric mean. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  const lower = sorted[Math.ceil(half) - 1] ?? Number.NaN;
  return Math.sqrt(lower * upper);
}
