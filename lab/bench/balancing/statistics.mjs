/** How many of `calls` went to each of `instances`, in that order. */
export function countsOf(calls, instances) {
  return instances.map((id) => calls.filter(({ instance }) => instance === id).length);
}

/** The share of `calls` that `instance` got; NaN of no calls. */
export function shareOf(calls, instance) {
  return calls.filter((call) => call.instance === instance).length / calls.length;
}

/** The share of `calls` that failed. */
export function failedShare(calls) {
  return calls.filter(({ code }) => code !== 'OK').length / calls.length;
}

/** The largest distance of a count from the mean of all, divided by the mean. */
export function unevenness(counts) {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return Math.max(...counts.map((count) => Math.abs(count - mean))) / mean;
}

/** The calls that were due from `from` up to `to`, in seconds after `origin`. */
export function between(calls, origin, [from, to]) {
  return calls.filter(({ at }) => at >= origin + from * 1000 && at < origin + to * 1000);
}

/**
 * How long after `origin` an instance was ejected, in milliseconds: until the first second that brought it at most `probes`
 * calls. Undefined if it never was.
 */
export function leftOutAfter(calls, origin, { instance, probes = 1, windowMs = 1000 }) {
  const times = calls.filter((call) => call.instance === instance && call.at >= origin).map(({ at }) => at - origin);
  times.sort((one, other) => one - other);
  const lastMs = Math.max(...calls.map(({ at }) => at - origin));
  const begins = [0, ...times.map((at) => at + 0.01)];
  const quiet = (begin) => times.filter((at) => at >= begin && at < begin + windowMs).length <= probes;
  return begins.find((begin) => begin + windowMs <= lastMs && quiet(begin));
}

/**
 * A figure next to its bound.
 *
 * @param what was measured.
 * @param figures `measured` and `bound` as text; `holds`; `guarded: false` if a control run may hold the bound, too.
 */
export function row(what, { measured, bound, holds, guarded = true }) {
  return { what, measured, bound, holds: holds === true, guarded };
}

/** A share as a percentage. */
export const percent = (share) => `${(100 * share).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;

/** Milliseconds as seconds; `never` for undefined. */
export const seconds = (ms) => (ms === undefined ? 'never' : `${(ms / 1000).toFixed(1)} s`);
