import type { Look, Style } from './terminal.js';
import { printable } from './text.js';

const GAP = '  ';
/** If the last column would be narrower, it isn't wrapped; the terminal wraps the line. */
const MIN_WIDTH = 16;

interface TableOptions extends Partial<Look> {
  /** The style of a cell below the heading; undefined for none. It gets the text without padding. */
  readonly style?: (text: string, cell: { readonly row: number; readonly column: number }) => Style | undefined;
}

/**
 * Formats a table; the first row is the heading, and bold. Each column is as wide as its widest cell, and no line ends in
 * spaces. Cells are made {@link printable}.
 */
export function formatTable(
  table: readonly (readonly (string | number | bigint)[])[],
  { width, paint = (_, text) => text, style = () => undefined }: TableOptions = {},
): string {
  const rows = table.map((row) => row.map((cell) => printable(String(cell))));
  const styled = (text: string, cell: { readonly row: number; readonly column: number }) => {
    const wanted = cell.row === 0 ? 'bold' : style(text, cell);
    return wanted === undefined ? text : paint(wanted, text);
  };
  const longest = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const widths = Array.from({ length: longest }, (_, column) =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), 0),
  );
  const last = widths.length - 1;
  const indent = widths.slice(0, last).reduce((sum, one) => sum + one + GAP.length, 0);
  const lines = rows.flatMap((row, at) => {
    const [first = '', ...rest] = wrap(row[last] ?? '', width === undefined ? undefined : width - indent);
    const cells = [...row.slice(0, last), first].map((text, column) => ({ text, column }));
    const end = cells.findLastIndex(({ text }) => text !== '');
    const shown = cells.slice(0, end + 1).map(({ text, column }) => {
      const padding = column === end ? '' : ' '.repeat((widths[column] ?? 0) - text.length);
      return styled(text, { row: at, column }) + padding;
    });
    return [shown.join(GAP), ...rest.map((text) => ' '.repeat(indent) + styled(text, { row: at, column: last }))];
  });
  return lines.map((line) => `${line}\n`).join('');
}

/** Wraps text at spaces into lines of at most `width` characters. A longer word stays whole. */
function wrap(text: string, width: number | undefined): readonly string[] {
  if (width === undefined || width < MIN_WIDTH || text.length <= width) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
