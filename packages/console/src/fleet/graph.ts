import type { Tone } from '../ui/parts.js';
import { counted, figure, latencyOf } from '../ui/text.js';
import type { Edge, Fleet, Instance } from './watch.js';

/** What stands on the map: the processes of one name, a service that no instance serves, the registry or a database. */
export interface MapNode {
  readonly name: string;
  readonly kind: 'service' | 'registry' | 'database';
  readonly tone: Tone;
  /** One for each instance. */
  readonly dots: readonly Tone[];
  readonly text: string;
}

/** All calls from one node to another. */
export interface MapLine {
  readonly from: string;
  readonly to: string;
  readonly tone: Tone | 'idle';
  readonly callsPerSecond: number;
  readonly text: string;
}

/** The most that is drawn, however large the fleet is. */
const [MAX_NODES, MAX_LINES] = [120, 300];
const REGISTRY = 'registry';
/** Behind the names of databases, as a service may have the same name. */
export const DATABASE = ' database';

/** What the map shows: the nodes with the most calls first. */
export function graphOf({ instances, edges, databases, isCurrent }: Fleet) {
  const groups = Map.groupBy(instances, ({ name }) => name);
  const bySize = [...groups].sort(([, one], [, other]) => one.length - other.length);
  const serving = new Map(
    bySize.flatMap(([name, all]) => all.flatMap(({ services }) => services.map((one) => [one, name]))),
  );
  const nameOf = (service = '') => serving.get(service) ?? service;
  const leftOut = new Set(edges.flatMap(({ leftOut: some = [] }) => some.map(({ instanceId = '' }) => instanceId)));
  const byEnds = Map.groupBy(edges, ({ caller = '', service }) => JSON.stringify([caller, nameOf(service)]));
  const calls = [...byEnds.values()].map((all) => lineOf(all, nameOf));
  const pools = databases.map(({ user = '', name = '', used = 0, max = 0, waiting = 0 }): MapLine => {
    const text = `${used} of ${max} connections${waiting > 0 ? `, ${waiting} wait` : ''}`;
    return { from: user, to: `${name}${DATABASE}`, tone: waiting > 0 ? 'warn' : '', callsPerSecond: 0, text };
  });
  const names = new Set([...calls.flatMap(({ from, to }) => [from, to]), ...groups.keys()]);
  const shown = [...names].slice(0, MAX_NODES);
  const nodes = [
    ...shown.map((name) => nodeOf(name, { instances: groups.get(name) ?? [], leftOut, lines: calls })),
    ...[...new Set(pools.map(({ to }) => to))].map((name) => databaseOf(name, pools)),
    registryOf(isCurrent),
  ];
  const known = new Set(nodes.map(({ name }) => name));
  const lines = [...calls, ...pools].filter(({ from, to }) => known.has(from) && known.has(to)).slice(0, MAX_LINES);
  return { nodes, lines, more: names.size - shown.length };
}

const registryOf = (isCurrent: boolean): MapNode => ({
  name: REGISTRY,
  kind: 'registry',
  dots: [],
  ...(isCurrent ? { tone: 'good', text: 'current' } : { tone: 'fault', text: 'can’t be reached' }),
});

const databaseOf = (name: string, pools: readonly MapLine[]): MapNode => ({
  name,
  kind: 'database',
  dots: [],
  tone: pools.some(({ to, tone }) => to === name && tone === 'warn') ? 'warn' : 'good',
  text: `database pool of ${counted(pools.filter(({ to }) => to === name).length, 'service')}`,
});

interface Around {
  readonly instances: readonly Instance[];
  readonly leftOut: ReadonlySet<string>;
  readonly lines: readonly MapLine[];
}

function nodeOf(name: string, { instances, leftOut, lines }: Around): MapNode {
  const toneOf = ({ id, state, load }: Instance): Tone =>
    leftOut.has(id) || state === 'lost' || (load?.errorsPerSecond ?? 0) > 0
      ? 'fault'
      : state === 'serving'
        ? 'good'
        : 'warn';
  const dots = instances.map(toneOf);
  const ejected = instances.filter(({ id }) => leftOut.has(id)).length;
  const calls = instances.reduce((sum, { load }) => sum + (load?.callsPerSecond ?? 0), 0);
  // Requests to a gateway are no calls of its services: what it makes of them is.
  const isCalled = lines.some(({ to, callsPerSecond }) => to === name && callsPerSecond > 0);
  const made = lines.reduce((sum, { from, callsPerSecond }) => (from === name ? sum + callsPerSecond : sum), 0);
  const rate = made > 0 && !isCalled ? `makes ${figure(made)}/s` : `${figure(calls)}/s`;
  const isFaulty = dots.length === 0 || dots.includes('fault');
  return {
    name,
    kind: 'service',
    dots,
    tone: isFaulty ? 'fault' : dots.includes('warn') ? 'warn' : 'good',
    text:
      dots.length === 0
        ? 'no instance'
        : ejected > 0
          ? `${ejected} ejected by a caller`
          : `${countedStates(instances)}, ${rate}`,
  };
}

/** How many instances are in each state. */
const countedStates = (instances: readonly Instance[]): string =>
  [...Map.groupBy(instances, ({ state }) => state)].map(([state, all]) => `${all.length} ${state}`).join(', ');

function lineOf(edges: readonly Edge[], nameOf: (service?: string) => string): MapLine {
  const sum = (of: (edge: Edge) => number | undefined) => edges.reduce((all, edge) => all + (of(edge) ?? 0), 0);
  const callsPerSecond = sum(({ figures }) => figures?.callsPerSecond);
  const failures = sum(({ figures }) => figures?.failuresPerSecond);
  const p99Ms = edges.reduce((most, { figures }) => Math.max(most, figures?.p99Ms ?? 0), 0);
  const [{ caller = '', service } = {}] = edges;
  return {
    from: caller,
    to: nameOf(service),
    callsPerSecond,
    tone: failures > 0 ? 'fault' : callsPerSecond === 0 ? 'idle' : '',
    text: `${figure(callsPerSecond)}/s, ${latencyOf(p99Ms)}${failures > 0 ? `, ${figure(failures)} failed/s` : ''}`,
  };
}
