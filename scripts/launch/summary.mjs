/** The text that is printed when the system has started. */
import { tryManifests } from './manifests.mjs';
import { DEFAULTS, dataFlag } from './options.mjs';
import { metricsAddress, plan } from './plan.mjs';

/**
 * The text that `npm start` prints when the system runs.
 * @param {import('./ready.mjs').Row[]} rows One for each process. The registry's row is the first.
 * @param {import('./launcher.mjs').Session} session
 */
export function summary(rows, { system: { registry }, databases: database, options, startedAt }) {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const all = [
    ['INSTANCE', 'ADDRESS', 'SERVICES'],
    ...rows.map(({ name, address, services }) => [name, address, services.join(', ')]),
    ['postgresql', database.address, database.home],
  ];
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column].length)));
  const table = all.map(
    ([name, address, what]) => `  ${name.padEnd(widths[0])}  ${address.padEnd(widths[1])}  ${what}`,
  );
  const prefix = options.portBase === DEFAULTS.portBase ? '' : `RONDO_REGISTRY=${registry} `;
  return [
    '',
    `Rondo is up (${seconds} s).`,
    '',
    ...table,
    '',
    ...(options.metrics ? [...metricsOf(rows, options), ''] : []),
    'Try, from another terminal in this folder:',
    '',
    `  ${prefix}./rondo ps`,
    `  ${prefix}./rondo call calculator.v1.CalculatorService/Add '{"a": 2, "b": 3}' --count 9`, // sample: calculator
    `  ${prefix}npm run seed        # a year of a company's data: calculator prices its quotes, projects deliver them`, // sample: calculator, project-management, sales
    `  ./rondo logs${dataFlag(options.data)} -f`,
    '',
    'Ctrl-C stops the system; the data is kept for the next start.',
  ].join('\n');
}

function metricsOf(rows, { portBase }) {
  const running = new Set(rows.map(({ name }) => name));
  const planned = plan([...tryManifests().manifests.values()], portBase).filter(({ name }) => running.has(name));
  return ['Metrics:', '', ...planned.map((one) => `  ${one.name.padEnd(22)}  http://${metricsAddress(one)}/metrics`)];
}
