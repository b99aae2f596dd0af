// Line charts, side by side.
import { colourOf, gridOf, legendEntry, niceCeiling, picture, polyline, round } from './svg.mjs';

const PANEL = { width: 400, height: 260, left: 62, right: 14, top: 44, bottom: 44 };

/**
 * Draws panels, two a row.
 *
 * @param title says in words what is drawn.
 * @param panels each `{ title, xLabel, lines: [{ label, points: [[x, y]] }] }`; x is the same for all lines of one. With
 *   `even`, the values of x stand at even distances.
 */
export function chart(title, panels) {
  const width = 2 * PANEL.width;
  const height = Math.ceil(panels.length / 2) * PANEL.height;
  const drawn = panels.map((panel, index) => {
    const x = (index % 2) * PANEL.width;
    const y = Math.floor(index / 2) * PANEL.height;
    return `<g transform="translate(${x} ${y})">\n${drawPanel(panel)}\n</g>`;
  });
  return picture(title, { width, height, drawn });
}

function drawPanel({ title, xLabel, lines, even = false }) {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((one, other) => one - other);
  const top = niceCeiling(Math.max(...points.map(([, y]) => y)));
  const { left } = PANEL;
  const right = PANEL.width - PANEL.right;
  const bottom = PANEL.height - PANEL.bottom;
  const shareOf = (x) => (even ? xs.indexOf(x) / Math.max(1, xs.length - 1) : x / xs.at(-1));
  const toX = (x) => left + 10 + (right - left - 20) * shareOf(x);
  const toY = (y) => bottom - ((bottom - PANEL.top) * Math.max(0, y)) / top;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  return [
    `<text class="title" x="${left}" y="18">${title}</text>`,
    ...gridOf(grid, { left, right, toY }),
    ...xs.map((x) => `<text x="${toX(x)}" y="${bottom + 16}" text-anchor="middle">${x.toLocaleString('en')}</text>`),
    `<text x="${(left + right) / 2}" y="${bottom + 34}" text-anchor="middle">${xLabel}</text>`,
    ...lines.flatMap((line, index) => drawLine(line, { index, toX, toY })),
  ].join('\n');
}

function drawLine({ label, points }, { index, toX, toY }) {
  const colour = colourOf(index);
  const placed = points.map(([x, y]) => [toX(x), toY(y)]);
  return [
    polyline(placed, colour),
    ...placed.map(([x, y]) => `<circle cx="${round(x)}" cy="${round(y)}" r="3" fill="${colour}"/>`),
    ...legendEntry(label, { x: PANEL.left + index * 108, y: 26, colour }),
  ];
}
