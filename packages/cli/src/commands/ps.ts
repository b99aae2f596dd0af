import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { defineCommand } from '../command.js';
import { completeService } from '../completion/index.js';
import { dividedServices, formatDivided, inspect } from '../contract/index.js';
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
  details: [
    'A service may be written short where one alone can be meant: CalculatorService for calculator.v1.CalculatorService.',
    '',
    'Where replicas of a service speak different versions of its contract, it asks one of each for it and tells what',
    'differs: incompatible is what callers and servers would misread, on the wire or in JSON. That is a rollout to look at',
    'and no failure: the exit code stays 0. With --json, see .contracts[].compatible: true, false, or null if not known.',
  ].join('\n'),
  options: { ...registryOption, ...jsonOption },
  maxPositionals: 1,
  examples: [
    ['ps', 'Everything that runs.'],
    ['ps CalculatorService', 'The instances of one service.'],
    ["ps --json | jq -r '.instances[].endpoints[0].address'", 'Their addresses, for a script.'],
    ["ps --json | jq -e 'all(.contracts[]; .compatible)'", 'Fails where replicas may misread each other.'],
  ],
  complete: completeService,
  async run({ values, positionals: [name] }, { environment, stdout, stderr, clock, signal }) {
    const addresses = registryAddresses(values.registry, environment);
    const listing = await withRegistry(addresses, (registry) => listInstances(registry, { signal }));
    const { instances, service } = select(listing, name);
    const contracts = await inspect(dividedServices(instances, service), { clock, signal });
    if (values.json) {
      const { warming } = listing;
      await stdout.write(`${JSON.stringify({ instances: instances.map(viewInstance), warming, contracts })}\n`);
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
        : format(instances, clock.now()) + formatDivided(contracts, createPaint(stdout.color)),
    );
    return 0;
  },
});

interface Selection {
  readonly instances: readonly Instance[];
  /** The one that they were selected by; undefined where all are. */
  readonly service?: string;
}

function select({ instances }: InstanceListing, name: string | undefined): Selection {
  if (name === undefined) return { instances };
  const services = [...new Set(instances.flatMap((instance) => instance.services))];
  const service = matchService(name, services);
  if (service === undefined) throw new UsageError(`no instance serves "${name}". ${knownServices(name, services)}`);
  return { instances: instances.filter((instance) => instance.services.includes(service)), service };
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
