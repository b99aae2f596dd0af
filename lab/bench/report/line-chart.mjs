// Line charts, in rows of panels.
import { colourOf, gridOf, legendEntry, niceCeiling, picture, polyline, round } from './svg.mjs';

const HEIGHT = 260;
const MARGIN = { left: 62, right: 14, top: 54, bottom: 44 };
/** So many points are marked. More of them are a line. */
const MARKED = 10;
const STYLE = '.event{stroke:#777;stroke-dasharray:3 3}.small{font-size:11px}';

/**
 * Draws panels.
 *
 * @param panels each `{ title, xLabel, lines: [{ label, points: [[x, y]] }] }`. The axis names the values of x, or those of `ticks`.
 *   `events` are `{ at, label }`, at a value of x.
 */
export function chart(title, panels, { columns = 2, width = 400 } = {}) {
  const drawn = panels.map((panel, index) => {
    const x = (index % columns) * width;
    const y = Math.floor(index / columns) * HEIGHT;
    return `<g transform="translate(${x} ${y})">\n${drawPanel(panel, width)}\n</g>`;
  });
  const height = Math.ceil(panels.length / columns) * HEIGHT;
  return picture(title, { width: columns * width, height, drawn, style: STYLE });
}

function drawPanel({ title, xLabel, lines, ticks, events = [] }, width) {
  const points = lines.flatMap((line) => line.points);
  const xs = ticks ?? [...new Set(points.map(([x]) => x))].sort((one, other) => one - other);
  const largest = niceCeiling(Math.max(...points.map(([, y]) => y)));
  const { left, top } = MARGIN;
  const right = width - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const toX = (x) => left + 10 + (right - left - 20) * (x / xs.at(-1));
  const toY = (y) => bottom - ((bottom - top) * Math.max(0, y)) / largest;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => share * largest);
  return [
    `<text class="title" x="${left}" y="18">${title}</text>`,
    ...gridOf(grid, { left, right, toY }),
    ...xs.map((x) => `<text x="${toX(x)}" y="${bottom + 16}" text-anchor="middle">${x.toLocaleString('en')}</text>`),
    `<text x="${(left + right) / 2}" y="${bottom + 34}" text-anchor="middle">${xLabel}</text>`,
    ...lines.flatMap((line, index) => drawLine(line, { index, toX, toY })),
    ...events.flatMap(({ at, label }) => [
      `<line class="event" x1="${toX(at)}" x2="${toX(at)}" y1="${top - 12}" y2="${bottom}"/>`,
      `<text class="small" x="${toX(at) + 4}" y="${top - 6}">${label}</text>`,
    ]),
  ].join('\n');
}

function drawLine({ label, points }, { index, toX, toY }) {
  const colour = colourOf(index);
  const placed = points.map(([x, y]) => [toX(x), toY(y)]);
  const marks = placed.length > MARKED ? [] : placed;
  return [
    polyline(placed, colour),
    ...marks.map(([x, y]) => `<circle cx="${round(x)}" cy="${round(y)}" r="3" fill="${colour}"/>`),
    ...legendEntry(label, { x: MARGIN.left + index * 108, y: 26, colour }),
  ];
}
