/** Places the map's nodes and lines. It is loaded with the first map. */
import { Graph, layout } from '@dagrejs/dagre';

/** A place on the map. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A line's points, and the middle of its label if there is room for one. */
export interface PlacedLine extends Partial<Point> {
  readonly points: readonly Point[];
}

/** Where everything stands: nodes by name, by their middle, and lines by the names of their ends. */
export interface Places {
  readonly nodes: ReadonlyMap<string, Point>;
  readonly lines: ReadonlyMap<string, PlacedLine>;
  readonly width: number;
  readonly height: number;
}

export const [NODE_WIDTH, NODE_HEIGHT] = [176, 64];
/** The room for the label of a line, when all lines have one. */
const [LABEL_WIDTH, MAX_LABELS] = [112, 24];
const [GAP, MARGIN, MIN_PER_ROW] = [22, 4, 5];

/** The ends of a line, as the library names them. */
interface Ends {
  readonly v: string;
  readonly w: string;
}

/**
 * Places nodes from left to right, each behind its callers; those without lines stand below, where no line passes. The same names and
 * ends are always placed alike.
 */
export function layOut(names: readonly string[], ends: readonly (readonly [from: string, to: string])[]): Places {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', ranksep: 32, nodesep: GAP, edgesep: 12, marginx: MARGIN, marginy: MARGIN });
  graph.setDefaultEdgeLabel(() => ({}));
  const joined = new Set(ends.flat());
  for (const name of joined) graph.setNode(name, { width: NODE_WIDTH, height: NODE_HEIGHT });
  const label = ends.length <= MAX_LABELS ? { width: LABEL_WIDTH, height: 22, labelpos: 'c' } : {};
  for (const [from, to] of ends) if (from !== to) graph.setEdge(from, to, { ...label });
  layout(graph);
  const { width: drawnWidth = 0, height: drawnHeight = 0 }: Partial<Places> = joined.size > 0 ? graph.graph() : {};
  const placeOf = (name: string): [string, Point] => [name, graph.node(name)];
  const lineOf = ({ v, w }: Ends): [string, PlacedLine] => [`${v} ${w}`, graph.edge(v, w)];
  const lone = names.filter((name) => !joined.has(name));
  const perRow = Math.max(Math.floor(drawnWidth / (NODE_WIDTH + GAP)), MIN_PER_ROW);
  const below = lone.map((name, index): [string, Point] => {
    const [column, row] = [index % perRow, Math.floor(index / perRow)];
    const y = drawnHeight + row * (NODE_HEIGHT + GAP) + NODE_HEIGHT / 2 + MARGIN;
    return [name, { x: column * (NODE_WIDTH + GAP) + NODE_WIDTH / 2 + MARGIN, y }];
  });
  return {
    nodes: new Map([...graph.nodes().map(placeOf), ...below]),
    lines: new Map(graph.edges().map(lineOf)),
    width: Math.max(drawnWidth, Math.min(lone.length, perRow) * (NODE_WIDTH + GAP)),
    height: drawnHeight + Math.ceil(lone.length / perRow) * (NODE_HEIGHT + GAP),
  };
}
