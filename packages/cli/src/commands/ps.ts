import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { type CommandContext, defineCommand } from '../command.js';
import { completeService } from '../completion/registered.js';
import { dividedServices, type InspectedService, inspect } from '../contract/inspect.js';
import { formatDivided } from '../contract/report.js';
import { ExitCode } from '../exit-code.js';
import { checkAll } from '../listing/check.js';
import { type Entry, formatEntries, formatRemarks, viewEntry, viewOperatorStates } from '../listing/entries.js';
import { jsonOption, registryAddresses, registryOption } from '../options.js';
import { type InstanceListing, listInstances, withRegistry, listOperatorStates, type OperatorStates, viewPosition } from '../registry/connection.js';
import { isCordoned } from '../registry/instance-view.js';
import { matchService, notRegistered } from '../registry/service-name.js';
import { createPaint, tableLook } from '../terminal/terminal.js';

/** `rondo ps`: the live instances. */
export const ps = defineCommand({
  name: 'ps',
  summary: 'Lists the live instances that the registry knows, and why one is not picked.',
  usage: '[service] [--check] [--json]',
  details: [
    'A service may be written short where one alone can be meant: CalculatorService for calculator.v1.CalculatorService.',
    '',
    'STATUS is what an instance says: STARTING, SERVING or DRAINING; CORDONED where an operator has taken it out; LAPSED',
    'where its lease ran out, and the registry holds its removal back. Below the list it is told why an instance is not',
    'picked, which cordoned ones are not registered, and whether another process claims its id, and is refused. With',
    '--json, see .instances[].notPicked, .instances[].lastRefused and .cordoned.',
    '',
    'Where replicas of a service speak different versions of its contract, it asks one of each for it and tells what',
    'differs: incompatible is what callers and servers would misread, on the wire or in JSON. That is a rollout to look at',
    'and no failure: the exit code stays 0. With --json, see .contracts[].compatible: true, false, or null if not known.',
  ].join('\n'),
  options: {
    check: {
      type: 'boolean',
      description: 'Ask each instance, from here and within a second, for its health and its services.',
    },
    ...registryOption,
    ...jsonOption,
  },
  maxPositionals: 1,
  examples: [
    ['ps', 'Everything that runs.'],
    ['ps CalculatorService', 'The instances of one service.'],
    ['ps --check', 'Also whether each can be reached, and is what the registry says.'],
    ["ps --json | jq -r '.instances[].endpoints[0].address'", 'Their addresses, for a script.'],
    ["ps --json | jq -e 'all(.contracts[]; .compatible)'", 'Fails where replicas may misread each other.'],
  ],
  complete: completeService,
  async run({ values, positionals: [name] }, context) {
    const { environment, clock, signal } = context;
    const addresses = registryAddresses(values.registry, environment);
    const { listing, marks } = await withRegistry(addresses, async (registry) => ({
      listing: await listInstances(registry, { signal }),
      marks: await listOperatorStates(registry, { signal }),
    }));
    const { instances, service } = select(listing, name);
    const [contracts, checks] = await Promise.all([
      inspect(dividedServices(instances, service), { clock, signal }),
      values.check ? checkAll(instances, { clock, signal }) : undefined,
    ]);
    const entries = instances.map((instance): Entry => {
      const { instanceId } = instance;
      // The mark may be of a moment later.
      const mark = isCordoned(instance) ? marks.get(instanceId) : undefined;
      return { instance, operatorState, check: checks?.get(instanceId) };
    });
    const found: Found = { listing, marks, entries, contracts, service };
    await (values.json ? writeJson(found, context) : writeText(found, addresses, context));
    return ExitCode.OK;
  },
});

interface Found {
  readonly listing: InstanceListing;
  readonly marks: OperatorStates;
  readonly entries: readonly Entry[];
  readonly contracts: readonly InspectedService[];
  /** The one that they were selected by; undefined where all are. */
  readonly service: string | undefined;
}

async function writeJson({ listing, marks, entries, contracts }: Found, context: CommandContext): Promise<void> {
  const { instances, warming, position } = listing;
  const registered = new Set(instances.map(({ instanceId }) => instanceId));
  const view = {
    instances: entries.map((entry) => viewEntry(entry, context.clock.now())),
    cordoned: viewOperatorStates(marks, registered),
    warming,
    position: viewPosition(position),
    contracts,
  };
  await context.stdout.write(`${JSON.stringify(view)}\n`);
}

async function writeText(found: Found, addresses: readonly string[], context: CommandContext): Promise<void> {
  const { listing, marks, entries, contracts, service } = found;
  const { stdout, stderr, clock } = context;
  if (listing.warming) {
    const text = 'The registry has just started empty: what is missing may still come back.';
    await stderr.write(`${createPaint(stderr.color)('yellow', text)}\n`);
  }
  const registered = new Set(listing.instances.map(({ instanceId }) => instanceId));
  // Of which service an instance is that isn't there, nobody knows.
  const absent =
    service === undefined ? [...marks.values()].filter(({ instanceId }) => !registered.has(instanceId)) : [];
  const paint = createPaint(stdout.color);
  const list =
    entries.length === 0
      ? `No instance is registered with the registry at ${addresses.join(', ')}.\n`
      : formatEntries(entries, clock.now(), tableLook(stdout));
  await stdout.write(list + formatRemarks({ entries, absent }, clock.now(), paint) + formatDivided(contracts, paint));
}

interface Selection {
  readonly instances: readonly Instance[];
  /** The one that they were selected by; undefined where all are. */
  readonly service?: string;
}

function select({ instances, warming }: InstanceListing, name: string | undefined): Selection {
  if (name === undefined) return { instances };
  const services = [...new Set(instances.flatMap((instance) => instance.services))];
  const service = matchService(name, services);
  if (service === undefined) throw notRegistered(name, services, warming);
  return { instances: instances.filter((instance) => instance.services.includes(service)), service };
}
