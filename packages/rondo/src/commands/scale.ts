import { defineCommand } from '../command.js';
import { UsageError } from '../errors.js';
import { askProcesses, requestLauncher } from '../launcher.js';
import { dataDirectoryOf, dataOption, jsonOption } from '../options.js';
import { printable } from '../terminal/text.js';

/** `rondo scale`: changes how many instances of a service `npm start` runs. */
export const scale = defineCommand({
  name: 'scale',
  summary: 'Starts or drains instances of a service of npm start, until as many run as you say.',
  usage: '<service> <instances> [--data DIR] [--json]',
  details: [
    'It waits until new instances take calls. Surplus instances, those with the highest numbers, are drained and stopped,',
    'so that no call in flight fails. The number holds until the system stops. A start takes it from rondo.instances in the',
    "service's package.json. In containers, for a service without a published port: docker compose up --scale.",
    '',
    'The most instances are 100. Each instance of a service with a database has a pool of connections. With --json:',
    '{"instances":[{"name":…,"address":…,"services":[…]}]}.',
  ].join('\n'),
  options: { ...dataOption, ...jsonOption },
  maxPositionals: 2,
  examples: [
    ['scale calculator 5', 'Starts two more than the usual three.'],
    ['scale calculator 1', 'Drains and stops all but calculator-1.'],
    ['scale calculator 0', 'Drains and stops all, until another number is given.'],
  ],
  exitCodes: {
    OK: 'As many instances run, and take calls.',
    FAILED: 'No system runs, it has no such service, or an instance did not become ready; standard error says why.',
  },
  async complete({ values, positionals }, context) {
    if (positionals.length > 0) return [];
    const all = await askProcesses({ dataDirectory: dataDirectoryOf(values['data'], context), signal: context.signal });
    const services = all.filter(({ name, service }) => name !== service); // not PostgreSQL and the registry
    return [...new Set(services.map(({ service }) => service))].map((word) => ({ word }));
  },
  async run({ values, positionals: [service, number = ''] }, context) {
    if (service === undefined || !/^\d+$/.test(number)) {
      throw new UsageError('name a service, and a number of instances from 0: rondo scale calculator 5');
    }
    const request = { command: 'scale', service, instances: Number(number) } as const;
    const dataDirectory = dataDirectoryOf(values.data, context);
    const rows = await requestLauncher({ dataDirectory, signal: context.signal, request });
    const lines = rows.map((row) => `${printable(row.name)} runs at ${printable(row.address)}\n`);
    if (lines.length === 0) lines.push(`no instance of ${printable(service)} runs\n`);
    return { json: { instances: rows }, text: lines.join('') };
  },
});
