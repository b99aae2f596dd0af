import type { Breaker as BreakerOption } from '@rondo/contracts/rondo/options/v1/options';
import { checkMs, toMs } from './duration.js';

/** When a client stops making calls of a method. */
export interface BreakerPolicy {
  /** The share of bad calls from which the breaker opens, in percent. */
  readonly failurePercent: number;
  /** The duration from which a call is slow, and so bad. Milliseconds; undefined: no call is slow. */
  readonly slowCallMs: number | undefined;
  /** How long a call counts. Milliseconds. */
  readonly windowMs: number;
  /** How many calls there must be within the window before their share counts. */
  readonly minCalls: number;
  /** How many probes in a row must succeed before the breaker closes. */
  readonly probes: number;
}

/** The breaker of a method whose contract or configuration says only that there is one. */
export const DEFAULT_BREAKER: BreakerPolicy = {
  failurePercent: 50,
  slowCallMs: undefined,
  windowMs: 10_000,
  minCalls: 20,
  probes: 3,
};

/** The ranges of the settings. Milliseconds for those that end in `Ms`. */
export const BREAKER_RANGES = {
  failurePercent: [1, 100],
  slowCallMs: [1, 3_600_000],
  windowMs: [1_000, 600_000],
  minCalls: [1, 10_000],
  probes: [1, 100],
} as const;

/** The policy that a contract declares, with defaults filled in. */
export function breakerOf({ failurePercent, slowCall, window, minCalls, probes }: BreakerOption): BreakerPolicy {
  return {
    failurePercent: failurePercent === 0 ? DEFAULT_BREAKER.failurePercent : failurePercent,
    slowCallMs: slowCall && toMs(slowCall),
    windowMs: window === undefined ? DEFAULT_BREAKER.windowMs : toMs(window),
    minCalls: minCalls === 0 ? DEFAULT_BREAKER.minCalls : minCalls,
    probes: probes === 0 ? DEFAULT_BREAKER.probes : probes,
  };
}

/** What is wrong with the policy, as the end of a sentence; undefined if nothing is. */
export function checkBreaker(policy: BreakerPolicy, streaming: boolean): string | undefined {
  const { failurePercent, slowCallMs, windowMs, minCalls, probes } = policy;
  if (slowCallMs !== undefined && streaming) {
    return '.slow_call is for unary methods: the reader of a stream decides how long it lasts; leave it out';
  }
  const { failurePercent: percents, minCalls: calls, probes: counts } = BREAKER_RANGES;
  return (
    within('.failure_percent', failurePercent, percents) ??
    within('.min_calls', minCalls, calls) ??
    within('.probes', probes, counts) ??
    duration('.window', windowMs, BREAKER_RANGES.windowMs) ??
    duration('.slow_call', slowCallMs, BREAKER_RANGES.slowCallMs)
  );
}

type Range = readonly [min: number, max: number];

/** The fault of a count, after its name; undefined if it is a whole number in its range. */
export function within(name: string, value: number, [min, max]: Range): string | undefined {
  const valid = Number.isInteger(value) && value >= min && value <= max;
  return valid ? undefined : `${name} is ${value}; it must be a whole number from ${min} to ${max}`;
}

/** The fault of a duration, after its name; undefined if it is in its range. Milliseconds. */
export function duration(name: string, ms: number | undefined, range: Range): string | undefined {
  const fault = ms === undefined ? undefined : checkMs(ms, range);
  return fault === undefined ? undefined : `${name} ${fault}`;
}
