/** What `npm start` prints when all is up. */

/**
 * @param {{ rows: { name: string, address: string, services: string[] }[], registry: string, database: string,
 *   seconds: string, options: import('./options.mjs').Options, isDefault: boolean }} facts
 */
export function summary({ rows, registry, database, seconds, options, isDefault }) {
  const all = [
    ['INSTANCE', 'ADDRESS', 'SERVICES'],
    ['registry', registry, 'rondo.registry.v1.RegistryService'],
    ...rows.map(({ name, address, services }) => [name, address, services.join(', ')]),
    ['postgresql', database, options.data],
  ];
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column].length)));
  const table = all.map(
    ([name, address, what]) => `  ${name.padEnd(widths[0])}  ${address.padEnd(widths[1])}  ${what}`,
  );
  const prefix = isDefault ? '' : `RONDO_REGISTRY=${registry} `;
  const logs = isDefault ? '' : `--data '${options.data}' `;
  return [
    '',
    `Rondo is up (${seconds} s).`,
    '',
    ...table,
    '',
    'Try, in another terminal:',
    '',
    `  ${prefix}npx rondo ps`,
    `  ${prefix}npx rondo call calculator.v1.CalculatorService/Add '{"a": 2, "b": 3}' --count 9`,
    `  ${prefix}npm run seed        # a small company: sales has calculator price its quotes, and projects deliver them`,
    `  npx rondo logs ${logs}-f`,
    '',
    'Ctrl-C stops all of it; the data stays for the next start.',
  ].join('\n');
}
