import type { ReportedSpan } from './reported-traces.js';

/** A span in the tree of its trace. */
export interface TraceNode {
  readonly span: ReportedSpan;
  /** The spans that it caused, by their start. */
  readonly children: TraceNode[];
  /** The part of its time in which none of its children ran: its own work, or a wait. Of a call to another process: the way there and back. */
  selfMs: number;
}

/**
 * The tree of a trace's spans. Its roots are the spans whose cause none of the processes has; a trace that came from outside, or whose
 * first process is gone, may have several. Each span is in it once, whatever ids it claims.
 */
export function treeOf(spans: readonly ReportedSpan[]): readonly TraceNode[] {
  const nodes = new Map<string, TraceNode>();
  for (const span of [...spans].sort((a, b) => a.startUnixMs - b.startUnixMs)) {
    if (!nodes.has(span.spanId)) nodes.set(span.spanId, { span, children: [], selfMs: 0 });
  }
  const parentOf = ({ span }: TraceNode): TraceNode | undefined => nodes.get(span.parentSpanId);
  for (const node of nodes.values()) parentOf(node)?.children.push(node);
  const roots = [...nodes.values()].filter((node) => parentOf(node) === undefined);
  const reached = new Set([...walk(roots)].map(({ node }) => node));
  // What isn't reached is below itself.
  for (const node of nodes.values()) {
    if (reached.has(node)) continue;
    const siblings = parentOf(node)?.children ?? [];
    siblings.splice(siblings.indexOf(node), 1);
    roots.push(node);
    for (const below of walk([node])) reached.add(below.node);
  }
  for (const node of nodes.values()) node.selfMs = selfTimeOf(node);
  return roots;
}

/** The nodes of a tree, each before its children. */
export function* walk(
  roots: readonly TraceNode[],
): Generator<{ readonly node: TraceNode; readonly depth: number }, void, undefined> {
  const left = roots.map((node) => ({ node, depth: 0 })).reverse();
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    yield next;
    for (const node of [...next.node.children].reverse()) left.push({ node, depth: next.depth + 1 });
  }
}

/** The time of a span without that of its children, which may overlap, and whose clocks may differ. */
function selfTimeOf({ span: { startUnixMs, durationMs }, children }: TraceNode): number {
  let selfMs = durationMs;
  let covered = startUnixMs;
  for (const { span } of children) {
    const from = Math.max(covered, span.startUnixMs);
    const to = Math.min(startUnixMs + durationMs, span.startUnixMs + span.durationMs);
    if (to <= from) continue;
    selfMs -= to - from;
    covered = to;
  }
  return Math.max(0, selfMs);
}
