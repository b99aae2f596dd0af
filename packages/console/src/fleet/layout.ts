import type { Edge, Instance } from './watch.js';

/** The processes of one name on the map, or a service that no instance serves. Lengths are units of the drawing. */
export interface Node {
  readonly name: string;
  readonly instances: readonly Instance[];
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** The calls to one service on the map: where they begin, pass other nodes, and end. */
export interface Line {
  readonly edge: Edge;
  readonly points: readonly Point[];
  /** Where its texts begin. */
  readonly label: Point;
}

/** A place on the map. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What is drawn. */
export interface Layout {
  readonly nodes: readonly Node[];
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
  /** How many nodes there would be more. */
  readonly more: number;
}

/** The most that is drawn, however large the fleet is. */
const [MAX_NODES, MAX_LINES] = [30, 60];
export const [NODE_WIDTH, LABEL_WIDTH] = [190, 230];
const [GAP, PORT, LEAST_HEIGHT, COLUMN] = [18, 36, 62, NODE_WIDTH + LABEL_WIDTH + 70];
const IDLE_IN_ROW = 5;

/**
 * Places each node to the right of its callers, and each line at a place of its own at the node where it ends. Those that neither call
 * nor are called stand below, in rows.
 */
export function layOut(instances: readonly Instance[], edges: readonly Edge[]): Layout {
  const groups = groupByName(instances);
  const targets = targetsOf(groups);
  const ends = edges.map((edge) => {
    const { caller = '', service = '' } = edge;
    return { edge, caller, to: targets.get(service) ?? service };
  });
  const busy = new Set(ends.flatMap(({ caller, to }) => [caller, to]));
  const names = [...new Set([...busy, ...groups.keys()])];
  const drawn = new Set(names.slice(0, MAX_NODES));
  const shown = ends.filter(({ caller, to }) => drawn.has(caller) && drawn.has(to)).slice(0, MAX_LINES);
  const columnOf = columns(shown);
  const heights: number[] = [];
  const nodes = new Map<string, Node>();
  for (const name of drawn) {
    if (!busy.has(name)) continue;
    const column = columnOf(name);
    const y = heights[column] ?? 0;
    const height = Math.max(
      LEAST_HEIGHT,
      PORT * shown.filter((end) => end.to === name && columnOf(end.caller) < column).length,
    );
    heights[column] = y + height + GAP;
    nodes.set(name, { name, instances: groups.get(name) ?? [], x: column * COLUMN, y, height });
  }
  const ports = new Map<string, number>();
  const lines = shown.flatMap(({ edge, caller, to }) => {
    const [source, target] = [nodes.get(caller), nodes.get(to)];
    if (source === undefined || target === undefined) return [];
    if (target.x <= source.x) return [{ edge, ...lineBack(source, target, heights) }];
    const port = ports.get(to) ?? 0;
    ports.set(to, port + 1);
    const points = [{ x: source.x + NODE_WIDTH, y: source.y + LEAST_HEIGHT / 2 }];
    for (let column = source.x / COLUMN + 1; column * COLUMN < target.x; column += 1) {
      const y = (heights[column] ?? 0) + GAP / 2;
      heights[column] = y + GAP;
      points.push({ x: column * COLUMN, y }, { x: column * COLUMN + NODE_WIDTH, y });
    }
    const y = target.y + PORT * (port + 0.6);
    return [{ edge, points: [...points, { x: target.x, y }], label: { x: target.x - LABEL_WIDTH + 6, y } }];
  });
  const top = Math.max(0, ...heights);
  const idle = [...drawn].filter((name) => !busy.has(name));
  for (const [index, name] of idle.entries()) {
    const [row, place] = [Math.floor(index / IDLE_IN_ROW), index % IDLE_IN_ROW];
    const [x, y] = [place * (NODE_WIDTH + GAP), top + row * (LEAST_HEIGHT + GAP)];
    nodes.set(name, { name, instances: groups.get(name) ?? [], x, y, height: LEAST_HEIGHT });
  }
  const width = Math.max(0, ...[...nodes.values()].map(({ x }) => x + NODE_WIDTH));
  const height = Math.max(0, ...[...nodes.values()].map((node) => node.y + node.height + GAP), top);
  return { nodes: [...nodes.values()], lines, width, height, more: names.length - drawn.size };
}

/** A line to a node that isn't to the right: below the nodes of all columns between. */
function lineBack(source: Node, target: Node, heights: number[]): Omit<Line, 'edge'> {
  const [first, end] = [target.x / COLUMN, source.x / COLUMN + 1];
  const y = Math.max(...heights.slice(first, end)) + GAP / 2;
  heights.fill(y + PORT, first, end);
  const [fromX, toX] = [source.x + NODE_WIDTH * 0.75, target.x + NODE_WIDTH / 4];
  const points = [
    { x: fromX, y: source.y + source.height },
    { x: fromX, y },
    { x: toX, y },
    { x: toX, y: target.y + target.height },
  ];
  return { points, label: { x: toX + 10, y } };
}

function groupByName(instances: readonly Instance[]): ReadonlyMap<string, readonly Instance[]> {
  const groups = new Map<string, Instance[]>();
  for (const instance of instances) {
    const group = groups.get(instance.name);
    if (group === undefined) groups.set(instance.name, [instance]);
    else group.push(instance);
  }
  return groups;
}

/** The name of most of the instances that serve a service, by service. */
function targetsOf(groups: ReadonlyMap<string, readonly Instance[]>): ReadonlyMap<string, string> {
  const bySize = [...groups].sort(([, one], [, other]) => one.length - other.length);
  return new Map(
    bySize.flatMap(([name, group]) => group.flatMap(({ services }) => services.map((one) => [one, name]))),
  );
}

/** The column of each node: one more than that of its last caller, unless that calls it in a circle. */
function columns(ends: readonly { readonly caller: string; readonly to: string }[]): (name: string) => number {
  const known = new Map<string, number>();
  const column = (name: string, path: readonly string[]): number => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const callers = new Set(ends.flatMap(({ caller, to }) => (to === name && to !== caller ? [caller] : [])));
    const others = [...callers].filter((caller) => !path.includes(caller));
    const deepest = Math.max(-1, ...others.map((caller) => column(caller, [...path, name])));
    known.set(name, deepest + 1);
    return deepest + 1;
  };
  return (name) => column(name, [name]);
}
