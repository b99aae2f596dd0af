import { useMemo } from 'preact/hooks';
import { Table } from '../page/table.js';
import { figure, latency } from '../ui/text.js';
import { LABEL_WIDTH, type Line, layOut, NODE_WIDTH, type Node, type Point } from './layout.js';
import type { Edge, Fleet, Instance } from './watch.js';

const MAX_ROWS = 50;

/** Who calls whom: drawn, and as a table. */
export function FleetMap({ fleet: { instances, edges } }: { readonly fleet: Fleet }) {
  const { nodes, lines, width, height, more } = useMemo(() => layOut(instances, edges), [instances, edges]);
  if (nodes.length === 0) return null;
  const leftOut = new Set(edges.flatMap(({ leftOut: some = [] }) => some.map(({ instanceId }) => instanceId)));
  return (
    <>
      <h3>Who calls whom</h3>
      <nav aria-label="Map">
        <svg class="map" viewBox={`-2 -2 ${width + 4} ${height}`} width={width}>
          <title>Who calls whom</title>
          {lines.map((line) => (
            <MapLine key={`${line.edge.caller} ${line.edge.service}`} line={line} />
          ))}
          {nodes.map((node) => (
            <MapNode key={node.name} node={node} isFaulty={node.instances.some(({ id }) => leftOut.has(id))} />
          ))}
        </svg>
      </nav>
      <p class="quiet">
        On a line: calls a second, then the times within which half of them, and 99 of 100, have ended.
      </p>
      {more > 0 && <p>And {more} more, which call less.</p>}
      {edges.length > 0 && <EdgeTable edges={edges} />}
    </>
  );
}

function MapNode({
  node: { name, instances, x, y, height },
  isFaulty,
}: {
  readonly node: Node;
  readonly isFaulty: boolean;
}) {
  const states = instances.length === 0 ? 'no instance' : counted(instances);
  const calls = instances.reduce((sum, { load }) => sum + (load?.callsPerSecond ?? 0), 0);
  const isWhole = instances.every(({ state }) => state === 'serving');
  const look = isFaulty || instances.length === 0 ? 'faulty' : isWhole ? '' : 'partial';
  return (
    <a href={`#/fleet/${encodeURIComponent(name)}`} class={look}>
      <rect x={x} y={y} width={NODE_WIDTH} height={height} rx="6" />
      <text x={x + 10} y={y + 20} class="name">
        {cut(name, 20)}
      </text>{' '}
      <text x={x + 10} y={y + 37}>
        {states}
      </text>{' '}
      <text x={x + 10} y={y + 53}>
        {isFaulty ? 'ejected by a caller' : calls > 0 && `answers ${figure(calls)}/s`}
      </text>
    </a>
  );
}

/** How many instances are in each state. */
function counted(instances: readonly Instance[]): string {
  const counts = new Map<string, number>();
  for (const { state } of instances) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

function MapLine({ line: { edge, points, label } }: { readonly line: Line }) {
  const { callsPerSecond = 0, p50Ms, p99Ms } = edge.figures ?? {};
  const [from, ...others] = points;
  if (from === undefined) return null;
  const fault = faultOf(edge);
  const figures = callsPerSecond === 0 ? 'idle' : `${figure(callsPerSecond)}/s, ${latency(p50Ms, p99Ms)}`;
  const state = fault === '' ? (callsPerSecond === 0 ? 'idle' : '') : 'faulty';
  return (
    <g class={`line ${state}`}>
      <path d={pathOf(from, others)} />
      <text x={label.x} y={label.y - 5}>
        {cut(shortName(edge.service ?? ''), 34)}
      </text>
      <text x={label.x} y={label.y + 12}>
        {fault === '' ? figures : `${figures}, ${fault}`}
      </text>
    </g>
  );
}

/** Each point is reached by a curve, and then a straight line with room for a label; a node may stand between two of one height. */
function pathOf(from: Point, points: readonly Point[]): string {
  let last = from;
  const parts = points.map((point) => {
    const { x, y } = last;
    last = point;
    if (y === point.y) return `H${point.x}`;
    if (x === point.x) return `V${point.y}`;
    const start = point.x - LABEL_WIDTH;
    const bend = Math.max(40, Math.abs(start - x) / 2);
    return `C${x + bend} ${y} ${start - bend} ${point.y} ${start} ${point.y}H${point.x}`;
  });
  return `M${from.x} ${from.y}${parts.join('')}`;
}

/** What goes wrong with the calls, in few words; empty if nothing does. */
function faultOf({ figures, leftOut = [] }: Edge): string {
  const { failuresPerSecond = 0 } = figures ?? {};
  const failures = failuresPerSecond > 0 ? [`${figure(failuresPerSecond)} failed/s`] : [];
  return [...failures, ...(leftOut.length > 0 ? [`${leftOut.length} ejected`] : [])].join(', ');
}

const shortName = (service: string) => service.slice(service.lastIndexOf('.') + 1);
const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const EdgeTable = ({ edges }: { readonly edges: readonly Edge[] }) => (
  <details open={matchMedia('(max-width: 48rem)').matches}>
    <summary>The same as a table</summary>
    <Table
      rows={edges}
      keyOf={({ caller, service }) => `${caller} ${service}`}
      most={MAX_ROWS}
      hint=", with fewer calls"
      columns={[
        ['Caller', ({ caller }) => caller],
        ['Service', ({ service }) => service],
        ['Calls/s', ({ figures }) => figure(figures?.callsPerSecond ?? 0)],
        ['p50 / p99', ({ figures }) => latency(figures?.p50Ms, figures?.p99Ms)],
        ['Failed/s', ({ figures }) => figure(figures?.failuresPerSecond ?? 0)],
        ['Left out', ({ leftOut = [] }) => leftOut.map((one) => `${one.instanceId}: ${one.reason}`).join('; ')],
      ]}
    />
  </details>
);
