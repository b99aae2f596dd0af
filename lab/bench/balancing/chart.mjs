// The share of calls of each instance over time, and below it how long the calls took.
import { quantiles } from '../report/figures.mjs';
import { chart } from '../report/line-chart.mjs';

const SECONDS_APART = 5;

/**
 * Draws two panels over the same time: the percentage of calls that each instance got in each second, and the 99th percentile of the
 * times of all calls.
 *
 * @param {readonly { at: number, tookMs: number, instance: string }[]} calls `at` in milliseconds.
 * @param options `origin` is the time that is 0 s; `events` are `{ at, label }`, at in seconds.
 */
export function balancingChart(title, calls, { origin, instances, seconds, events }) {
  const windows = Array.from({ length: seconds }, () => []);
  for (const call of calls) windows[Math.floor((call.at - origin) / 1_000)]?.push(call);
  const points = (y) => windows.flatMap((all, index) => (all.length === 0 ? [] : [[index + 0.5, y(all)]]));
  const shareIn = (id) => (all) => (100 * all.filter(({ instance }) => instance === id).length) / all.length;
  const p99 = points((all) => quantiles(all.map(({ tookMs }) => tookMs)).p99);
  const ticks = Array.from({ length: Math.floor(seconds / SECONDS_APART) + 1 }, (_, index) => index * SECONDS_APART);
  const axis = { xLabel: 'seconds', ticks, events };
  const shares = instances.map((label) => ({ label, points: points(shareIn(label)) }));
  const panels = [
    { title: `${title}: share of calls, %`, lines: shares, ...axis },
    { title: 'p99, ms', lines: [{ label: 'all', points: p99 }], ...axis },
  ];
  return chart(title, panels, { columns: 1, width: 640 });
}
