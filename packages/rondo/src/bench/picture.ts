import { type BenchStep, type Measured, resultOf } from './report.js';

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 70;
const RIGHT = WIDTH - 20;
const TOP = 50;
const BOTTOM = HEIGHT - 50;

/** A scale whose equal factors have equal lengths. */
interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

/** Draws p50 and p99 over the offered load, both axes by factors, as an SVG. */
export function toSvg(measured: Measured): string {
  const { method, instances, steps } = measured;
  const times = steps.flatMap(({ p50Ms, p99Ms }) => [p50Ms ?? 0, p99Ms ?? 0]).filter((ms) => ms > 0);
  const x = scale(
    steps.map(({ offered }) => offered),
    2,
    [LEFT, RIGHT],
  );
  const y = scale(times, 10, [BOTTOM, TOP]);
  const { knee } = resultOf(measured);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>Latency of ${method} by load</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text([LEFT, 24], `${method}, ${instances} instances: milliseconds by offered calls a second`, 'start'),
    ...x.ticks.map(
      (tick) => line([x.at(tick), BOTTOM], [x.at(tick), TOP]) + text([x.at(tick), BOTTOM + 18], label(tick)),
    ),
    ...y.ticks.map(
      (tick) => line([LEFT, y.at(tick)], [RIGHT, y.at(tick)]) + text([LEFT - 8, y.at(tick) + 4], label(tick), 'end'),
    ),
    ...(knee === null
      ? []
      : [
          line([x.at(knee.offered), BOTTOM], [x.at(knee.offered), TOP], '#d97706'),
          text([x.at(knee.offered), TOP - 6], `knee ${label(knee.offered)}/s`),
        ]),
    curve(steps, { x, y, of: ({ p50Ms }) => p50Ms, color: '#2563eb' }),
    curve(steps, { x, y, of: ({ p99Ms }) => p99Ms, color: '#dc2626' }),
    `<text x="${RIGHT}" y="${HEIGHT - 8}" text-anchor="end"><tspan fill="#2563eb">p50</tspan>  <tspan fill="#dc2626">p99</tspan>; a hollow point doesn't hold</text>`,
    '</svg>',
    '',
  ].join('\n');
}

/** Whole powers of `base` around the values are its ends and its ticks. */
function scale(values: readonly number[], base: number, [start, end]: readonly [number, number]): Scale {
  const power = (value: number) => Math.log(value) / Math.log(base);
  const drawn = values.length === 0 ? [1] : values;
  const low = Math.floor(power(Math.min(...drawn)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(power(Math.max(...drawn)) - 1e-9));
  return {
    at: (value) => Math.round(start + ((power(value) - low) / (high - low)) * (end - start)),
    ticks: Array.from({ length: high - low + 1 }, (_, index) => base ** (low + index)),
  };
}

interface Curve {
  readonly x: Scale;
  readonly y: Scale;
  readonly of: (step: BenchStep) => number | null;
  readonly color: string;
}

function curve(steps: readonly BenchStep[], { x, y, of, color }: Curve): string {
  const points = steps.flatMap((step) => {
    const ms = of(step) ?? 0;
    return ms > 0 ? [{ cx: x.at(step.offered), cy: y.at(ms), fill: step.broken === null ? color : '#fff' }] : [];
  });
  const dots = points.map(
    (dot) => `<circle cx="${dot.cx}" cy="${dot.cy}" r="4" fill="${dot.fill}" stroke="${color}"/>`,
  );
  const path = points.map(({ cx, cy }) => `${cx},${cy}`).join(' ');
  return `<polyline points="${path}" fill="none" stroke="${color}"/>${dots.join('')}`;
}

type Point = readonly [x: number, y: number];

const line = ([x1, y1]: Point, [x2, y2]: Point, color = '#e5e7eb'): string =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}"/>`;

const text = ([x, y]: Point, words: string, anchor = 'middle'): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;

const label = (value: number): string => String(value >= 10 ? Math.round(value) : Number(value.toPrecision(2)));
