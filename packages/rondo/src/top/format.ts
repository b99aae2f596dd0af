import { formatTable } from '../terminal/table.js';
import type { Look } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import type { By, Row, View } from './view.js';

/** How much fits. */
export interface Space extends Look {
  /** How many lines are printed; undefined if no terminal shows them. */
  readonly maxLines?: number | undefined;
}

const HEADINGS: Readonly<Record<By, readonly string[]>> = {
  service: ['SERVICE', 'INSTANCES'],
  method: ['METHOD', 'INSTANCES'],
  instance: ['INSTANCE', 'STATE'],
};

const FIGURES = ['CALLS/S', 'DONE/S', 'P50', 'P99', 'IN FLIGHT', 'ERRORS/S', 'IN B/S', 'OUT B/S'] as const;
/** The column of the errors. */
const ERRORS = 7;
/** How many instances have a line below the table. */
const MAX_BELOW = 5;
/** How many rows are printed if no terminal shows them, and at least if one does. */
const ROWS = { max: 200, min: 3 } as const;
/** A name isn't cut to fewer characters. */
const MIN_NAME = 16;

/** The table; below it why instances have no figures, what was cut, and `remarks`. */
export function formatView(view: View, { paint, width, maxLines }: Space, remarks: readonly string[] = []): string {
  const below = [...linesBelow(view), ...remarks];
  // A heading, an empty line, and two remarks on what was cut.
  const free = maxLines === undefined ? ROWS.max : maxLines - below.length - 4;
  const rows = view.rows.slice(0, Math.max(ROWS.min, free));
  const table = cutToWidth(
    [[...HEADINGS[view.by], ...FIGURES, ...(view.by === 'service' ? ['LB'] : [])], ...rows.map(cellsOf)],
    width,
  );
  const left = view.rows.length - rows.length;
  if (left > 0) below.push(`${left} more rows are left out: name a service, or use --json`);
  if (table.shortened) below.push('names are cut: a wider terminal or --json shows them whole');
  const style = (_: string, { row, column }: { readonly row: number; readonly column: number }) => {
    const shown = rows[row - 1];
    return shown?.state === 'unreachable' || (column === ERRORS && shown?.errors) ? 'red' : undefined;
  };
  const lines = below.map((line) => `${printable(line)}\n`).join('');
  return `${formatTable(table.cut, { paint, style })}${lines === '' ? '' : `\n${lines}`}`;
}

function cellsOf(row: Row): readonly string[] {
  const { p50Ms, p99Ms, load } = row;
  const unknown = row.counted === 0;
  const figures = [
    ...[formatRate(row.callsPerSecond), formatRate(row.donePerSecond)],
    ...[p50Ms, p99Ms].map((ms) => (ms === null ? '-' : formatMs(ms))),
    ...[String(row.inFlight), formatRate(row.errorsPerSecond)],
    ...[formatBytes(row.requestBytesPerSecond), formatBytes(row.replyBytesPerSecond)],
    ...(load === undefined ? [] : [load === null ? '-' : formatRate(load)]),
  ];
  return [row.name, row.state ?? `${row.counted}/${row.instances}`, ...(unknown ? figures.map(() => '-') : figures)];
}

/** Shortens the names in the first column from their start, so that each row is one line. */
function cutToWidth(table: readonly (readonly string[])[], width: number | undefined) {
  if (width === undefined) return { cut: table, shortened: false };
  const lines = formatTable(table).split('\n');
  const over = Math.max(...lines.map((line) => line.length)) - width;
  const names = Math.max(...table.map(([name = '']) => name.length));
  const allowed = Math.max(MIN_NAME, names - over);
  if (over <= 0 || allowed >= names) return { cut: table, shortened: false };
  const cut = table.map(([name = '', ...rest]) => [
    name.length > allowed ? `…${name.slice(name.length - allowed + 1)}` : name,
    ...rest,
  ]);
  return { cut, shortened: true };
}

/** Why instances have no figures. */
function linesBelow({ instances }: View): readonly string[] {
  const silent = instances.filter(({ reason }) => reason !== null);
  return [
    ...silent.slice(0, MAX_BELOW).map(({ instanceId, state, reason }) => `${instanceId}: ${state}: ${reason}`),
    ...(silent.length > MAX_BELOW ? [`and ${silent.length - MAX_BELOW} more instances without figures`] : []),
  ];
}

/** A rate, with one decimal below 100. */
export function formatRate(perSecond: number): string {
  return perSecond < 100 ? String(Number(perSecond.toFixed(1))) : perSecond.toFixed(0);
}

/** A duration in milliseconds, with two significant digits at least. */
export function formatMs(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1_000).toFixed(0)} s`;
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms >= 10) return `${ms.toFixed(0)} ms`;
  return `${ms >= 1 ? ms.toFixed(1) : ms.toFixed(2)} ms`;
}

/** Bytes, by powers of 1,000. */
export function formatBytes(bytes: number): string {
  const unit = bytes >= 1e9 ? 3 : bytes >= 1e6 ? 2 : bytes >= 1e3 ? 1 : 0;
  const scaled = bytes / 1_000 ** unit;
  return `${unit === 0 || scaled >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)}${['', 'k', 'M', 'G'][unit]}`;
}
