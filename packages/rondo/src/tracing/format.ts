import { describeSpan, type KnownTrace, type TraceNode, walk } from '@rondo/operate/page';
import { formatTable } from '../terminal/table.js';
import type { Look } from '../terminal/terminal.js';
import { formatTime } from '../terminal/text.js';

/** Deeper spans aren't indented further. */
const MAX_INDENT = 30;

/** A trace as a table: a row for each span, below that of its cause, and for each event. */
export function formatTrace(traceId: string, roots: readonly TraceNode[], look: Look): string {
  const startMs = Math.min(...roots.map(({ span }) => span.startUnixMs));
  const rows: string[][] = [['AT', 'TOOK', 'SELF', 'INSTANCE', 'SPAN']];
  const failed = new Set<number>();
  for (const { node, depth } of walk(roots)) {
    const { span, selfMs } = node;
    const { startUnixMs, durationMs, instanceId, error, events, links } = span;
    const indent = '  '.repeat(Math.min(depth, MAX_INDENT));
    if (error !== '') failed.add(rows.length);
    const times = [startUnixMs - startMs, durationMs, selfMs].map(formatMs);
    rows.push([...times, instanceId, `${indent}${describeSpan(span)}`]);
    for (const { name, unixMs, attributes } of events) {
      const described = [name, Object.values(attributes).join(' ')].filter((part) => part !== '').join(': ');
      rows.push([formatMs(unixMs - startMs), '', '', '', `${indent}  · ${described}`]);
    }
    for (const link of links) {
      if (link.traceId !== traceId) rows.push(['', '', '', '', `${indent}  · goes back to trace ${link.traceId}`]);
    }
  }
  // The columns of times end at the same digit.
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const aligned = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)));
  return formatTable(aligned, { ...look, style: (_, { row }) => (failed.has(row) ? 'red' : undefined) });
}

const formatMs = (ms: number): string => ms.toFixed(ms < 1_000 ? 2 : 0);

const TITLES = ['START', 'MS', 'SPANS', 'FAILED', 'INSTANCES', 'TRACE', 'BEGINS WITH'];

export function formatTraces(traces: readonly KnownTrace[], look: Look): string {
  const rows = traces.map(({ startUnixMs, durationMs, spans, failedSpans, instances, traceId, name }) => [
    ...[formatTime(startUnixMs), formatMs(durationMs), spans, failedSpans, instances.length, traceId, name],
  ]);
  const style = (_: string, { row }: { readonly row: number }) => (traces[row - 1]?.failedSpans ? 'red' : undefined);
  return formatTable([TITLES, ...rows], { ...look, style });
}
