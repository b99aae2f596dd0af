// Parts of the benchmarks' charts. They are readable on a light and on a dark page, and have no fonts of their own.

const COLOURS = ['#1b7f79', '#c2571a', '#5b4bb5', '#9a7d0a', '#a8325e', '#4a7a1e'];

/** The colour of the line with this index. */
export const colourOf = (index) => COLOURS[index % COLOURS.length];

/** A whole picture. `title` says in words what is drawn. */
export function picture(title, { width, height, drawn, style = '' }) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<style>text{fill:#555}.title{font-size:14px;fill:#333}.grid{stroke:#999;stroke-opacity:.3}${style}`,
    '@media(prefers-color-scheme:dark){text{fill:#aaa}.title{fill:#ddd}}</style>',
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

/** Horizontal grid lines from `left` to `right`, with their values at the left; `toY` gives the y of a value. */
export function gridOf(values, { left, right, toY }) {
  return values.flatMap((value) => [
    `<line class="grid" x1="${left}" x2="${right}" y1="${toY(value)}" y2="${toY(value)}"/>`,
    `<text x="${left - 6}" y="${toY(value) + 4}" text-anchor="end">${value}</text>`,
  ]);
}

/** A line through points of the picture. */
export function polyline(points, colour) {
  const path = points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`;
}

/** A line's entry in the legend. */
export function legendEntry(label, { x, y, colour }) {
  return [
    `<rect x="${x}" y="${y}" width="10" height="10" fill="${colour}"/>`,
    `<text x="${x + 14}" y="${y + 9}">${label}</text>`,
  ];
}

/** A coordinate, rounded to a tenth. */
export const round = (value) => Math.round(value * 10) / 10;

/** The smallest number of at least `value` that is 1, 2, 4, 6 or 8 times a power of ten. */
export function niceCeiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return ([1, 2, 4, 6, 8].find((step) => step * power >= value) ?? 10) * power;
}
