import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { defineCommand } from '../command.js';
import { jsonOption } from '../options.js';
import {
  addressOf,
  type InstanceListing,
  knownServices,
  listInstances,
  matchService,
  registryAddresses,
  registryOption,
  statusOf,
  viewInstance,
  withRegistry,
} from '../registry/index.js';
import { createPaint, formatAge, formatTable } from '../terminal/index.js';
import { UsageError } from '../usage-error.js';

/** `rondo ps`: the live instances. */
export const ps = defineCommand({
  name: 'ps',
  summary: 'Lists the live instances that the registry knows.',
  usage: '[service] [--json]',
  details:
    'A service may be written short where one alone can be meant: CalculatorService for calculator.v1.CalculatorService.',
  options: { ...registryOption, ...jsonOption },
  maxPositionals: 1,
  examples: [
    ['ps', 'Everything that runs.'],
    ['ps CalculatorService', 'The instances of one service.'],
    ["ps --json | jq -r '.instances[].endpoints[0].address'", 'Their addresses, for a script.'],
  ],
  async run({ values, positionals: [name] }, { environment, stdout, stderr, clock, signal }) {
    const addresses = registryAddresses(values.registry, environment);
    const listing = await withRegistry(addresses, (registry) => listInstances(registry, { signal }));
    const instances = select(listing, name);
    if (values.json) {
      await stdout.write(`${JSON.stringify({ instances: instances.map(viewInstance), warming: listing.warming })}\n`);
      return 0;
    }
    if (listing.warming) {
      const paint = createPaint(stderr.color);
      await stderr.write(
        `${paint('yellow', 'The registry has just started empty: what is missing may still come back.')}\n`,
      );
    }
    await stdout.write(
      instances.length === 0
        ? `No instance is registered with the registry at ${addresses.join(', ')}.\n`
        : format(instances, clock.now()),
    );
    return 0;
  },
});

function select({ instances }: InstanceListing, name: string | undefined): readonly Instance[] {
  if (name === undefined) return instances;
  const services = [...new Set(instances.flatMap((instance) => instance.services))];
  const service = matchService(name, services);
  if (service === undefined) throw new UsageError(`no instance serves "${name}". ${knownServices(name, services)}`);
  return instances.filter((instance) => instance.services.includes(service));
}

function format(instances: readonly Instance[], nowMs: number): string {
  const versioned = instances.some(({ version }) => version !== '');
  const row = (cells: readonly string[], version: string, services: string) => {
    return [...cells, ...(versioned ? [version] : []), services];
  };
  return formatTable([
    row(['INSTANCE', 'ADDRESS', 'ZONE', 'STATUS', 'AGE'], 'VERSION', 'SERVICES'),
    ...instances.map((instance) => {
      const { instanceId, zone, registerTime, version, services } = instance;
      const age = registerTime === undefined ? '-' : formatAge(nowMs - registerTime.getTime());
      const cells = [instanceId, addressOf(instance), zone || '-', statusOf(instance), age];
      return row(cells, version || '-', [...services].sort().join(', '));
    }),
  ]);
}
