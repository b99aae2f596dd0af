/** Median, 99th percentile and maximum, each a value that occurred (nearest rank); undefined of nothing. */
export function quantiles(values) {
  const sorted = Float64Array.from(values).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** The median; the upper one of an even number of values. */
export function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

/** A number for people: three figures, with commas between thousands. */
export function figure(value) {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A table in Markdown that is aligned as plain text. Columns of numbers are aligned to the right. */
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)));
  const right = head.map((_, column) => rows.every((row) => /^[<~–\d]/.test(String(row[column]))));
  const line = (row) => `| ${row.map((cell, column) => pad(cell, widths[column], right[column])).join(' | ')} |`;
  const rule = widths.map((width, column) => (right[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(cells[0]), `| ${rule.join(' | ')} |`, ...cells.slice(1).map(line)].join('\n');
}

function pad(cell, width, right) {
  return right ? cell.padStart(width) : cell.padEnd(width);
}

/** Prints a text and a line feed. */
export function show(text) {
  process.stdout.write(`${text}\n`);
}
