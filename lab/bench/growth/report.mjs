import { figure, table } from '../report/figures.mjs';
import { chart } from '../report/line-chart.mjs';
import { LOADS, PARTS, WAYS } from './parts.mjs';

/**
 * What growth.json has.
 *
 * @typedef {object} Data
 * @property {string} measuredAt
 * @property {object} machine See describeMachine of peers/machine.mjs.
 * @property {{ seconds: number, rounds: number, whole: boolean }} settings
 * @property {Record<string, object[]>} parts The rows of measure.mjs by the name of their part; those of `load` too.
 */

/** @param {Data} data */
export function growthReport({ measuredAt, machine, settings, parts }) {
  const { processor, cores, memoryGiB, kernel, node } = machine;
  const partial = settings.whole ? '' : ' This run was quick or partial: it shows whether all works, not how well.';
  return [
    '# What a call costs as a system grows',
    `Measured on ${measuredAt.slice(0, 10)}: ${processor}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}; medians of ${settings.rounds} rounds of ${settings.seconds} s.${partial} \`npm run lab -- growth\` measures it again.`,
    'A system has one replica, service, method and client, and no metadata, unless the table says otherwise. Calls go to all methods of all services in turn, 64 at a time, through a tunnel and as gRPC calls of their own. All replicas are in one process, and so are all clients. The frames of a moment share a message, so the more connections share the calls, the fewer share a message, and the nearer is the cost of a call to that of one at a time.',
    '![The same as charts](growth.svg)',
    ...PARTS.filter(({ name }) => parts[name]).flatMap((part) => [
      `## ${part.title}`,
      partTable(part, parts[part.name]),
    ]),
    ...(parts.load ? ['## Offered load', loadTable(parts.load), LOAD] : []),
    '',
  ].join('\n\n');
}

const LOAD = `Calls are due at even times, whether or not earlier ones were answered, and a call's time counts from when it was due. The
capacity is what 512 calls at a time reach. Above it calls wait, and so both quantiles grow with the time that the overload lasts.`;

function partTable({ xLabel }, rows) {
  const head = [
    xLabel,
    'way',
    'calls/s',
    'client µs a call',
    'server µs a call',
    'µs beside the least',
    'p50, ms',
    'p99, ms',
  ];
  return table(
    head,
    rows.map((row) => [
      row.size.toLocaleString('en'),
      row.way,
      figure(row.perSecond),
      figure(row.clientUs),
      figure(row.serverUs),
      `${figure(cpuOf(row) / cpuOf(rows.find(({ way }) => way === row.way)))} ×`,
      figure(row.p50),
      figure(row.p99),
    ]),
  );
}

const cpuOf = ({ clientUs, serverUs }) => clientUs + serverUs;

function loadTable(rows) {
  const head = ['load, %', 'way', 'offered calls/s', 'answered calls/s', 'p50, ms', 'p99, ms', 'failed'];
  return table(
    head,
    rows.map((row) => [
      row.load,
      row.way,
      figure(row.offered),
      figure(row.perSecond),
      figure(row.p50),
      figure(row.p99),
      row.failed,
    ]),
  );
}

/** Two panels a part: calls a second and processor time; of the load both quantiles. */
export function growthChart({ parts }) {
  const panels = PARTS.filter(({ name }) => parts[name]).flatMap(({ name, title, xLabel }) => {
    const panel = (what, y) => ({
      title: `${title}: ${what}`,
      xLabel,
      even: true,
      lines: linesOf(parts[name], 'size', y),
    });
    return [panel('calls a second', ({ perSecond }) => perSecond), panel('CPU µs a call, both ends', cpuOf)];
  });
  const loaded =
    (parts.load ?? []).length === 0 ? [] : ['p50', 'p99'].map((quantile) => loadPanel(quantile, parts.load));
  return chart('Calls a second and processor time a call as a system grows', [...panels, ...loaded]);
}

function loadPanel(quantile, rows) {
  return {
    title: `Offered load: ${quantile}, ms`,
    xLabel: `% of capacity, ${LOADS[0]} to ${LOADS.at(-1)}`,
    even: true,
    lines: linesOf(rows, 'load', (row) => row[quantile]),
  };
}

function linesOf(rows, x, y) {
  return WAYS.map(({ way }) => ({
    label: way,
    points: rows.filter((row) => row.way === way).map((row) => [row[x], y(row)]),
  }));
}
