/** Draws lines of a terminal, with colour codes, as an SVG that is readable on light and dark pages. */

const CHARACTER = 8.4;
const LINE = 20;
const PADDING = 20;
const BAR = 34;
const MAX_COLUMNS = 104;
/** The colours by SGR code; 1 is bold and 2 dim. Source: ECMA-48, 8.3.117. */
const COLORS = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341', 36: '#79c0ff' };
const ENDS = { 22: ['bold', 'dim'], 39: ['color'], 0: ['bold', 'dim', 'color'] };

/**
 * @param {string[]} lines
 * @returns {string}
 */
export function renderTerminal(lines) {
  const wrapped = lines.flatMap((line) => wrap(parse(line)));
  const width = Math.round(MAX_COLUMNS * CHARACTER + 2 * PADDING);
  const height = BAR + wrapped.length * LINE + PADDING;
  const rows = wrapped.map((runs, at) => row(runs, BAR + (at + 1) * LINE - 6));
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, at) => `<circle cx="${PADDING + at * 18}" cy="18" r="6" fill="${color}"/>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<title>A terminal: rondo new service makes and starts a service; its handler is saved; rondo call answers</title>',
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117" stroke="#30363d"/>`,
    ...dots,
    '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">',
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** Splits a line into runs of text of the same style. */
function parse(line) {
  const runs = [];
  let style = {};
  const [first, ...coded] = line.split('\x1b[');
  if (first !== '') runs.push({ text: first });
  for (const part of coded) {
    const [, code, text] = /^(\d+)m(.*)$/.exec(part) ?? ['', '0', part];
    style = restyle(style, Number(code));
    if (text !== '') runs.push({ text, ...style });
  }
  return runs;
}

function restyle(style, code) {
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (COLORS[code] !== undefined) return { ...style, color: COLORS[code] };
  return Object.fromEntries(Object.entries(style).filter(([name]) => !(ENDS[code] ?? []).includes(name)));
}

/** Wraps runs into lines of at most MAX_COLUMNS characters. */
function wrap(runs) {
  const lines = [[]];
  let column = 0;
  for (const run of runs) {
    let { text } = run;
    while (text !== '') {
      const piece = text.slice(0, MAX_COLUMNS - column);
      lines.at(-1).push({ ...run, text: piece });
      text = text.slice(piece.length);
      column += piece.length;
      if (text === '') continue;
      lines.push([]);
      column = 0;
    }
  }
  return lines;
}

function row(runs, y) {
  const spans = runs.map(({ text, bold, dim, color }) => {
    const weight = bold ? ' font-weight="600"' : '';
    const fill = color === undefined ? '' : ` fill="${color}"`;
    const opacity = dim ? ' fill-opacity="0.6"' : '';
    return `<tspan${weight}${fill}${opacity}>${escaped(text)}</tspan>`;
  });
  return `<text x="${PADDING}" y="${y}" xml:space="preserve">${spans.join('')}</text>`;
}

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
