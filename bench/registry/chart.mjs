// Line charts as SVG, side by side and readable on a light and on a dark page.

const PANEL = { width: 400, height: 260, left: 62, right: 14, top: 44, bottom: 44 };
const COLOURS = ['#1b7f79', '#c2571a', '#5b4bb5'];

/**
 * Draws panels, two a row.
 *
 * @param title says in words what is drawn.
 * @param panels each `{ title, xLabel, lines: [{ label, points: [[x, y]] }] }`; x is the same for all lines of one.
 */
export function chart(title, panels) {
  const width = 2 * PANEL.width;
  const height = Math.ceil(panels.length / 2) * PANEL.height;
  const drawn = panels.map((panel, index) => {
    const x = (index % 2) * PANEL.width;
    const y = Math.floor(index / 2) * PANEL.height;
    return `<g transform="translate(${x} ${y})">\n${drawPanel(panel)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    '<style>text{fill:#555}.title{font-size:14px;fill:#333}.grid{stroke:#999;stroke-opacity:.3}',
    '@media(prefers-color-scheme:dark){text{fill:#aaa}.title{fill:#ddd}}</style>',
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function drawPanel({ title, xLabel, lines }) {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([x]) => x))].sort((one, other) => one - other);
  const top = niceCeiling(Math.max(...points.map(([, y]) => y)));
  const right = PANEL.width - PANEL.right;
  const bottom = PANEL.height - PANEL.bottom;
  const toX = (x) => PANEL.left + 10 + ((right - PANEL.left - 20) * x) / xs.at(-1);
  const toY = (y) => bottom - ((bottom - PANEL.top) * Math.max(0, y)) / top;
  const middle = (PANEL.left + right) / 2;
  return [
    `<text class="title" x="${PANEL.left}" y="18">${title}</text>`,
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
      `<line class="grid" x1="${PANEL.left}" x2="${right}" y1="${toY(share * top)}" y2="${toY(share * top)}"/>`,
      `<text x="${PANEL.left - 6}" y="${toY(share * top) + 4}" text-anchor="end">${share * top}</text>`,
    ]),
    ...xs.map((x) => `<text x="${toX(x)}" y="${bottom + 16}" text-anchor="middle">${x.toLocaleString('en')}</text>`),
    `<text x="${middle}" y="${bottom + 34}" text-anchor="middle">${xLabel}</text>`,
    ...lines.flatMap((line, index) => drawLine(line, { index, toX, toY })),
  ].join('\n');
}

function drawLine({ label, points }, { index, toX, toY }) {
  const colour = COLOURS[index % COLOURS.length];
  const path = points.map(([x, y]) => `${round(toX(x))},${round(toY(y))}`).join(' ');
  const keyX = PANEL.left + index * 108;
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.map(([x, y]) => `<circle cx="${round(toX(x))}" cy="${round(toY(y))}" r="3" fill="${colour}"/>`),
    `<rect x="${keyX}" y="26" width="10" height="10" fill="${colour}"/>`,
    `<text x="${keyX + 14}" y="35">${label}</text>`,
  ];
}

const round = (value) => Math.round(value * 10) / 10;

/** The least of 1, 2, 4, 6 or 8 times a power of ten that is no less than `value`. */
function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return ([1, 2, 4, 6, 8].find((step) => step * power >= value) ?? 10) * power;
}
