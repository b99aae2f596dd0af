import { useEffect, useMemo, useState } from 'preact/hooks';
import { Table } from '../page/table.js';
import { figure, latency } from '../ui/text.js';
import { DATABASE, graphOf, type MapLine, type MapNode } from './graph.js';
import type { Places, Point } from './layout.js';
import type { Edge, Fleet } from './watch.js';

const [MAX_ROWS, MAX_DOTS] = [50, 10];
/** A larger map is scrolled, so that its names stay legible. */
const MAX_FITTED = 30;
/** Of a character of a label. */
const CHARACTER = 6;
const [WIDTH, HEIGHT] = [176, 64];

/** Who calls whom: drawn, and as a table. The map stays as it is until nodes or lines come or go. */
export function FleetMap({ fleet }: { readonly fleet: Fleet }) {
  const { instances, edges, databases, isCurrent } = fleet;
  const { nodes, lines, more } = useMemo(() => graphOf(fleet), [instances, edges, databases, isCurrent]);
  const [places, setPlaces] = useState<Places>();
  const shape = JSON.stringify([nodes.map(({ name }) => name).sort(), lines.map(({ from, to }) => [from, to]).sort()]);
  useEffect(() => {
    let isCurrent = true;
    void import('./layout.js').then(({ layOut }) => {
      const [names, ends] = JSON.parse(shape);
      if (isCurrent) setPlaces(layOut(names, ends));
    });
    return () => {
      isCurrent = false;
    };
  }, [shape]);
  if (nodes.length === 0) return null;
  return (
    <>
      <h3>Who calls whom</h3>
      {places && (
        <nav aria-label="Map" class="card map-frame">
          <svg
            class={nodes.length > MAX_FITTED ? 'map large' : 'map'}
            viewBox={`0 0 ${places.width} ${places.height}`}
            width={places.width}
          >
            <title>Who calls whom</title>
            {lines.map((line) => (
              <Drawn key={`${line.from} ${line.to}`} line={line} places={places} />
            ))}
            {nodes.map((node) => (
              <Placed key={node.name} node={node} at={places.nodes.get(node.name)} />
            ))}
          </svg>
        </nav>
      )}
      <p class="quiet legend">
        A dot is an instance. A line is wider if more calls pass, dashed if none pass now, and red if calls fail; on it
        are the calls a second and their p99. {more > 0 && `And ${more} more, which call less.`}
      </p>
      {edges.length > 0 && <EdgeTable edges={edges} />}
    </>
  );
}

function Placed({ node, at }: { readonly node: MapNode; readonly at: Point | undefined }) {
  if (at === undefined) return null;
  const { name, kind, tone, dots, text } = node;
  const [x, y] = [at.x - WIDTH / 2, at.y - HEIGHT / 2];
  const href =
    kind === 'service' ? `#/fleet/${encodeURIComponent(name)}` : kind === 'registry' ? '#/settings' : '#/fleet';
  return (
    <a href={href} class={`${kind} ${tone}`}>
      <rect x={x} y={y} width={WIDTH} height={HEIGHT} rx={kind === 'service' ? 8 : 24} />
      <text x={x + 12} y={y + 20} class="name">
        {cut(name.replace(DATABASE, ''), 20)}
      </text>{' '}
      {dots.slice(0, MAX_DOTS).map((dot, index) => (
        <circle key={index} class={dot} cx={x + 16 + index * 11} cy={y + 34} r="3.5" />
      ))}
      {dots.length > MAX_DOTS && (
        <text x={x + 14 + MAX_DOTS * 11} y={y + 38}>
          {dots.length}
        </text>
      )}
      <text x={x + 12} y={y + (dots.length > 0 ? 54 : 42)}>
        {cut(text, 28)}
      </text>
    </a>
  );
}

interface DrawnProps {
  readonly line: MapLine;
  readonly places: Places;
}

function Drawn({ line: { from, to, tone, callsPerSecond, text }, places }: DrawnProps) {
  const { points, x, y } = places.lines.get(`${from} ${to}`) ?? {};
  if (points === undefined) return null;
  const width = text.length * CHARACTER + 8;
  return (
    <g class={`line ${tone}`}>
      <path d={curveOf(points)} stroke-width={1.25 + Math.log10(1 + callsPerSecond) * 2}>
        <title>{`${from} → ${to}: ${text}`}</title>
      </path>
      {x !== undefined && y !== undefined && callsPerSecond > 0 && (
        <>
          <rect x={x - width / 2} y={y - 9} width={width} height={18} rx="9" />
          <text x={x} y={y + 4}>
            {text}
          </text>
        </>
      )}
    </g>
  );
}

/** A curve through the points, without corners: each but the ends pulls at it. */
function curveOf([first, ...others]: readonly Point[]): string {
  if (first === undefined) return '';
  const pulls = others.slice(0, -1).map(({ x, y }, index) => {
    const next = others[index + 1];
    if (next === undefined) return '';
    const isLast = index === others.length - 2;
    return `Q${x} ${y} ${isLast ? next.x : (x + next.x) / 2} ${isLast ? next.y : (y + next.y) / 2}`;
  });
  const end = others.at(-1);
  return `M${first.x} ${first.y}${pulls.join('') || (end ? `L${end.x} ${end.y}` : '')}`;
}

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const EdgeTable = ({ edges }: { readonly edges: readonly Edge[] }) => (
  <details open={matchMedia('(max-width: 48rem)').matches}>
    <summary>The same as a table</summary>
    <Table
      rows={edges}
      keyOf={({ caller, service }) => `${caller} ${service}`}
      most={MAX_ROWS}
      hint=", with fewer calls"
      isFailed={({ figures }) => (figures?.failuresPerSecond ?? 0) > 0}
      columns={[
        ['Caller', ({ caller }) => caller],
        ['Service', ({ service = '' }) => <a href={`#/overview/${service}`}>{service}</a>],
        ['Calls/s', ({ figures }) => figure(figures?.callsPerSecond ?? 0), 'number'],
        ['p50 / p99', ({ figures }) => latency(figures?.p50Ms, figures?.p99Ms), 'number'],
        ['Failed/s', ({ figures }) => figure(figures?.failuresPerSecond ?? 0), 'number'],
        ['Left out', ({ leftOut = [] }) => leftOut.map((one) => `${one.instanceId}: ${one.reason}`).join('; ')],
      ]}
    />
  </details>
);
