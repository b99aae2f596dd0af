import { readSnapshot, requireOthers } from '@rondo/operate/internal';
import { defineCommand, type RunContext } from '../command.js';
import { UsageError } from '../errors.js';
import { flag } from '../help.js';
import { askProcesses, registryOn, requestLauncher } from '../launcher.js';
import { dataOption, jsonOption } from '../options.js';
import { withRegistry } from '../registry/locate.js';
import { printable } from '../terminal/text.js';

const EXAMPLE = 'name a service, and a number of instances from 0: rondo scale calculator 5';

export const scale = defineCommand({
  name: 'scale',
  summary: 'Starts or drains instances of a service of npm start, until as many run as you say.',
  details: [
    'It waits until new instances take calls. Surplus instances, those with the highest numbers, are drained and stopped, so',
    'that no call in flight fails. It refuses to leave only cordoned instances. The number, 20 at most, holds until the system',
    "stops. A start takes it from rondo.instances in the service's package.json. In containers: docker compose up --scale.",
  ].join('\n'),
  options: { ...dataOption, ...jsonOption, force: flag('Scale it even if only cordoned instances are left.') },
  args: { service: '<service>', number: '<instances>' },
  missing: EXAMPLE,
  examples: [
    ['scale calculator 5', 'Starts two more than the usual three.'],
    ['scale calculator 0', 'Drains and stops all, until another number is given.'],
  ],
  async complete({ positionals }, context) {
    if (positionals.length > 0) return [];
    const all = await askProcesses(context);
    const services = all.filter(({ name, service }) => name !== service); // not PostgreSQL and the registry
    return [...new Set(services.map(({ service }) => service))].map((word) => ({ word }));
  },
  async run({ service, number, force }, context) {
    const { dataDirectory, signal } = context;
    if (!/^\d+$/.test(number)) throw new UsageError(EXAMPLE);
    if (Number(number) > 0 && !force) await requirePicked(service, Number(number), context);
    const request = { command: 'scale', service, instances: Number(number) } as const;
    const { rows } = await requestLauncher({ dataDirectory, signal, request });
    const lines = rows.map((row) => `${printable(row.name)} runs at ${printable(row.address)}\n`);
    if (lines.length === 0) lines.push(`no instance of ${printable(service)} runs\n`);
    return { json: { instances: rows }, text: lines.join('') };
  },
});

/** @throws RpcError `FAILED_PRECONDITION` if all instances are cordoned that would be left. A registry that is away keeps from nothing. */
async function requirePicked(service: string, instances: number, context: RunContext): Promise<void> {
  const { dataDirectory, signal } = context;
  const all = await askProcesses(context);
  const surplus = all.filter(
    ({ name, service: of }) => of === service && Number(name.slice(service.length + 1)) > instances,
  );
  const registry = surplus.length === 0 ? undefined : await registryOn(dataDirectory);
  if (registry === undefined) return;
  const snapshot = await withRegistry([registry], (one) => readSnapshot(one, signal)).catch(() => undefined);
  if (snapshot === undefined) return;
  const cordoned = [...snapshot.operatorStates.keys()].filter((id) => all.some(({ name }) => name === id));
  const ids = surplus.map(({ name }) => name);
  requireOthers(ids, snapshot, `, put one back by rondo uncordon ${cordoned.join(' ')}, or use --force`);
}
