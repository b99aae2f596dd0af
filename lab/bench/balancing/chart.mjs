// The share of calls of each instance over time, and below it how long the calls took.
import { quantiles } from '../report/figures.mjs';
import { colourOf, gridOf, legendEntry, niceCeiling, picture, polyline, round } from '../report/svg.mjs';

const FRAME = { width: 640, height: 380, left: 50, right: 616 };
const SHARES = { title: 'share of calls, %', top: 66, bottom: 196 };
const TIMES = { title: 'p99, ms', top: 234, bottom: 344 };
const LEGEND_WIDTH = 52;
const SECONDS_APART = 5;
const STYLE = '.event{stroke:#777;stroke-dasharray:3 3}.small{font-size:11px}';

/**
 * Turns calls into lines over time: the percentage of calls that each instance got, and the 99th percentile of the times of
 * all calls.
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

/**
 * Draws two panels over one axis of time.
 *
 * @param title says in words what is drawn.
 * @param drawn `seconds`; `shares` and `p99` of {@link seriesOf}; `events` as `{ at, label }`, at in seconds.
 */
export function balancingChart(title, { seconds, shares, p99, events }) {
  const toX = (x) => round(FRAME.left + ((FRAME.right - FRAME.left) * x) / seconds);
  const largestShare = Math.max(...shares.flatMap(({ points }) => points.map(([, y]) => y)));
  const lines = shares.map(({ points }, index) => ({ points, colour: colourOf(index) }));
  const slowest = Math.max(...p99.map(([, y]) => y));
  const drawnShares = panel(SHARES, { top: Math.min(100, niceCeiling(largestShare)), lines, toX });
  const drawnTimes = panel(TIMES, { top: niceCeiling(slowest), lines: [{ points: p99, colour: '#777' }], toX });
  const legend = shares.flatMap(({ label }, index) =>
    legendEntry(label, { x: FRAME.right - (shares.length - index) * LEGEND_WIDTH, y: 8, colour: colourOf(index) }),
  );
  return picture(title, {
    width: FRAME.width,
    height: FRAME.height,
    style: STYLE,
    drawn: [
      `<text class="title" x="${FRAME.left}" y="18">${title}</text>`,
      ...legend,
      ...drawnShares,
      ...drawnTimes,
      ...timeAxis(seconds, toX),
      ...events.flatMap((event) => marker(event, toX)),
    ],
  });
}

function panel({ title, top, bottom }, { top: largest, lines, toX }) {
  const toY = (y) => round(bottom - ((bottom - top) * Math.min(y, largest)) / largest);
  const grid = [0, 0.5, 1].map((share) => round(share * largest));
  return [
    `<text x="${FRAME.left}" y="${top - 12}">${title}</text>`,
    ...gridOf(grid, { left: FRAME.left, right: FRAME.right, toY }),
    ...lines.map(({ points, colour }) =>
      polyline(
        points.map(([x, y]) => [toX(x), toY(y)]),
        colour,
      ),
    ),
  ];
}

function timeAxis(seconds, toX) {
  const count = Math.floor(seconds / SECONDS_APART) + 1;
  const ticks = Array.from({ length: count }, (_, index) => index * SECONDS_APART);
  return ticks.map((at) => `<text x="${toX(at)}" y="${TIMES.bottom + 18}" text-anchor="middle">${at} s</text>`);
}

function marker({ at, label }, toX) {
  const x = toX(at);
  return [
    `<line class="event" x1="${x}" x2="${x}" y1="${SHARES.top - 30}" y2="${TIMES.bottom}"/>`,
    `<text class="small" x="${x + 4}" y="${SHARES.top - 32}">${label}</text>`,
  ];
}
