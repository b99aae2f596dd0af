import { quantiles } from '../report/quantiles.mjs';

/**
 * Calls as lines over time: of each instance the percentage of calls that it got, and of all calls the 99th percentile of
 * their times.
 *
 * @param {readonly { at: number, tookMs: number, instance: string }[]} calls `at` in milliseconds.
 * @param {{ origin: number, instances: readonly string[], seconds: number, windowMs?: number }} options `origin` is the time
 *   that is 0 s; a point stands for the `windowMs` around it.
 * @returns {{ shares: { label: string, points: number[][] }[], p99: number[][] }}
 */
export function seriesOf(calls, { origin, instances, seconds, windowMs = 1000 }) {
  const windows = Array.from({ length: Math.floor((seconds * 1000) / windowMs) }, () => []);
  for (const call of calls) windows[Math.floor((call.at - origin) / windowMs)]?.push(call);
  const xOf = (index) => ((index + 0.5) * windowMs) / 1000;
  const points = (y) => windows.flatMap((all, index) => (all.length === 0 ? [] : [[xOf(index), y(all)]]));
  const shareIn = (id) => (all) => (100 * all.filter(({ instance }) => instance === id).length) / all.length;
  return {
    shares: instances.map((id) => ({ label: id, points: points(shareIn(id)) })),
    p99: points((all) => quantiles(all.map(({ tookMs }) => tookMs)).p99),
  };
}
