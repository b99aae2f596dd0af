import { figure, table } from '../report/figures.mjs';
import { chart } from '../report/line-chart.mjs';

/** What registry.md asks for at its full size. */
const BOUNDS = { p50: 100, p99: 500, peakMiB: 512, backMs: 10_000 };

const verdict = (holds) => (holds ? 'holds' : 'MISSED');

/** A table of what was measured. A row may have a bound, and whether it holds. */
const measuredTable = (title, rows) =>
  table(
    [title, 'measured', 'bound', ''],
    rows.map(([what, measured, bound = '', holds]) => [
      what,
      measured,
      bound,
      holds === undefined ? '' : verdict(holds),
    ]),
  );

/** The steady state against its bounds. */
export function steadyReport({ result, tookMs, registryCpuMs, renewed, expired, peakMiB, ...measures }) {
  const lost = measures.failed + measures.forgotten + expired;
  const { made, failed, missing } = result;
  return measuredTable('steady state', [
    ['change → last of its watchers, median', `${figure(result.p50)} ms`, '< 100 ms', result.p50 < BOUNDS.p50],
    ['change → last of its watchers, p99', `${figure(result.p99)} ms`, '< 500 ms', result.p99 < BOUNDS.p99],
    ['the slowest', `${figure(result.max)} ms`],
    [
      'changes made; that failed; that some watcher missed',
      `${made}; ${failed}; ${missing}`,
      '0; 0',
      failed === 0 && missing === 0,
    ],
    ['renewals; failed, forgotten or expired', `${figure(renewed)}; ${lost}`, '0', lost === 0],
    ['memory of the process at its peak', `${figure(peakMiB)} MiB`, '< 512 MiB', peakMiB < BOUNDS.peakMiB],
    ['processor time of the registry', `${percent(registryCpuMs, tookMs)} of one`],
    ['the same for each renewal, all else included', `${figure((1000 * registryCpuMs) / renewed)} µs`],
    ['renewals a second', figure((1000 * renewed) / tookMs)],
    // If they took much, the times say little about the registry.
    ['processor time of the load', `${percent(measures.loadCpuMs, tookMs)} of one`],
    ['processor time of everything else', `${percent(Math.max(0, measures.othersCpuMs), tookMs)} of one`],
    ['how late the observer itself was, p99', `${figure(measures.observerLateMs.p99)} ms`],
  ]);
}

const percent = (part, whole) => `${Math.round((100 * part) / whole)} %`;

/** The outage: a registry that comes back empty, and connections that all break at once. */
export function stormReport({ back, reconnect, instances, expired }) {
  const { result, registryCpuMs, othersCpuMs, tookMs } = back;
  const { peakMiB } = reconnect;
  return measuredTable('the registry comes back empty', [
    ['half of the instances are back after', `${figure(result.halfMs)} ms`],
    ['99 % are back after', `${figure(result.mostMs)} ms`],
    ['all are back after', `${figure(result.allMs)} ms`, '≤ 10 s', result.allMs <= BOUNDS.backMs],
    [`all watchers know all ${instances} again after`, `${figure(result.watchersMs)} ms`],
    ['the slowest answer meanwhile (ListServices)', `${figure(result.slowestMs)} ms`],
    ['processor time for each instance that came back', `${figure((1000 * registryCpuMs) / instances)} µs`],
    ['events that watchers got', figure(back.watches.events)],
    ['leases that ran out afterwards', expired, '0', expired === 0],
    ['memory at its peak', `${figure(peakMiB)} MiB`, '< 512 MiB', peakMiB < BOUNDS.peakMiB],
    ['all connections break: all leases renewed after', `${figure(reconnect.result.ms)} ms`],
    ['the slowest answer meanwhile', `${figure(reconnect.result.slowestMs)} ms`],
    ['processor time of everything else', `${percent(Math.max(0, othersCpuMs), tookMs)} of one`],
  ]);
}

const GROWTH_HEAD = [
  'instances',
  'watchers',
  'of a change',
  'µs a change',
  'µs a renewal',
  'CPU idle',
  'CPU',
  'p50 ms',
  'p99 ms',
  'peak MiB',
  'lost',
  'CPU of others',
];

/** How the costs grow with the size. */
export function growthReport(cells, services) {
  const rows = cells.map((cell) => [
    cell.instances.toLocaleString('en'),
    cell.watchers.toLocaleString('en'),
    cell.watchers / services,
    Math.round(cell.changeUs),
    Math.round(cell.renewalUs),
    percent(cell.idleShare, 1),
    percent(cell.share, 1),
    figure(cell.p50),
    figure(cell.p99),
    Math.round(cell.peakMiB),
    cell.failed,
    percent(Math.max(0, cell.busyElsewhere), 1),
  ]);
  return table(GROWTH_HEAD, rows);
}

/** The costs as charts. */
export function growthChart(cells, services) {
  const sizes = [...new Set(cells.map(({ instances }) => instances))];
  const audiences = [...new Set(cells.map(({ watchers }) => watchers))];
  const bySize = (y) =>
    sizes.map((size) => ({
      label: `${size.toLocaleString('en')} instances`,
      points: cells.filter(({ instances }) => instances === size).map((cell) => [cell.watchers / services, y(cell)]),
    }));
  const byAudience = (y) =>
    audiences.map((audience) => ({
      label: `${audience.toLocaleString('en')} watchers`,
      points: cells.filter(({ watchers }) => watchers === audience).map((cell) => [cell.instances, y(cell)]),
    }));
  const own = 'watchers of a change';
  return chart('What changes and renewals cost a registry, how late changes arrive and how much memory it takes', [
    { title: 'CPU of the registry for each change, µs', xLabel: own, lines: bySize(({ changeUs }) => changeUs) },
    {
      title: 'CPU of the registry for each renewal, µs',
      xLabel: 'instances',
      lines: byAudience(({ renewalUs }) => renewalUs),
    },
    { title: 'Change → last of its watchers, median, ms', xLabel: own, lines: bySize(({ p50 }) => p50) },
    {
      title: 'Memory of the process at its peak, MiB',
      xLabel: 'instances',
      lines: byAudience(({ peakMiB }) => peakMiB),
    },
  ]);
}
