/** A table in plain text that is a table in Markdown, too: numbers to the right. */
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

/** A number as people read it: to three figures, thousands apart. */
export function figure(value) {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
