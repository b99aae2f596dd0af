/** What is printed when all is up. */
import { DEFAULTS, dataFlag } from './options.mjs';

/**
 * @param {import('./ready.mjs').Row[]} rows The registry first.
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
    // Here: elsewhere, npx would look for a `rondo` of somebody else's.
    'Try, from another terminal in this folder:',
    '',
    `  ${prefix}npx rondo ps`,
    `  ${prefix}npx rondo call calculator.v1.CalculatorService/Add '{"a": 2, "b": 3}' --count 9`,
    `  ${prefix}npm run seed        # a company with a year behind it: calculator prices its quotes, projects deliver them`,
    `  npx rondo logs${dataFlag(options.data)} -f`,
    '',
    'Ctrl-C stops all of it; the data stays for the next start.',
  ].join('\n');
}
