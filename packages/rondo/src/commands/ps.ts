import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { readSnapshot, type Snapshot } from '@rondo/operate/internal';
import { type CommandContext, defineCommand } from '../command.js';
import { completeService } from '../completion/registered.js';
import { dividedServices, type InspectedService, inspect } from '../contract/inspect.js';
import { formatDivided } from '../contract/report.js';
import { flag } from '../help.js';
import { checkAll } from '../listing/check.js';
import {
  type Entry,
  entryOf,
  formatEntries,
  formatRemarks,
  viewEntry,
  viewOperatorStates,
} from '../listing/entries.js';
import { askStats, formatGuards, guardsIn, type InstanceGuard, refusing, viewGuard } from '../listing/guards.js';
import { jsonOption, registryOption } from '../options.js';
import { registryAddresses, withRegistry } from '../registry/locate.js';
import { registeredService } from '../registry/service-name.js';
import { createPaint, tableLook } from '../terminal/terminal.js';

/** `rondo ps`: lists the live instances. */
export const ps = defineCommand({
  name: 'ps',
  summary: 'Lists the live instances in the registry, and why an instance is not picked.',
  usage: '[service] [--check] [--json]',
  details: [
    "A service's name may be shortened if it stays unique: CalculatorService for calculator.v1.CalculatorService.",
    '',
    'CARRIER is frames if other Rondo processes call the instance by them, and - for gRPC alone.',
    '',
    'STATUS is what the instance reports: STARTING, SERVING or DRAINING. It is CORDONED if an operator has cordoned the',
    'instance, and LAPSED if its lease has expired and the registry holds its removal back. The lines below the list say why',
    'an instance is not picked, which cordoned instances are not registered, and which processes the registry refuses because',
    'another holds their id. With --json, see .instances[].notPicked, .instances[].lastRefused and .cordoned.',
    '',
    'If instances of a service have different versions of its contract, it asks an instance of each version and prints the',
    'differences. Incompatible means that callers and servers would misread each other, on the wire or in JSON. The exit code',
    'is still 0. With --json, see .contracts[].compatible: true, false, or null if it is not known.',
    '',
    'With --check, the lines below the list also tell which circuit breakers of the instances are open, and which of their',
    'bulkheads are full. With --json, see .guards. With TLS, it shows until when the certificate of each instance is valid.',
    '',
    'With --json, an instance has, beside what it registered, operatorState (NONE or CORDONED), cordonReason, cordonTime,',
    'lapseTime, lastRefused (the incarnation, address and refuseTime of another process that claims its id, or null),',
    'notPicked (why, or null) and, with --check, check: its state is ok, unreachable, not-serving, other-service or unknown,',
    'its reason a sentence, and with TLS certificateValidTo a time. cordoned lists all that operators have set, registered',
    "or not; position is the registry's epoch and revision.",
  ].join('\n'),
  options: {
    check: flag('Ask each instance for its health, its services and its breakers; it has a second to answer.'),
    ...registryOption,
    ...jsonOption,
  },
  maxPositionals: 1,
  examples: [
    ['ps', 'All instances.'],
    ['ps CalculatorService', 'The instances of one service.'],
    ['ps --check', 'Also checks that each can be reached, and is what the registry says.'],
    ["ps --json | jq -r '.instances[].endpoints[0].address'", 'The addresses, for a script.'],
    ["ps --json | jq -e 'all(.contracts[]; .compatible)'", 'Fails if instances may misread each other.'],
  ],
  complete: completeService,
  async run({ values, positionals: [name] }, context) {
    const { clock, signal } = context;
    const addresses = await registryAddresses(values.registry, context);
    const { listing, operatorStates } = await withRegistry(addresses, (registry) => readSnapshot(registry, signal));
    const { instances, service } = select(listing, name);
    const [contracts, checks, stats] = await Promise.all([
      inspect(dividedServices(instances, service), { clock, signal }),
      values.check ? checkAll(instances, { clock, signal }) : undefined,
      values.check ? askStats(instances, { clock, signal }) : undefined,
    ]);
    const entries = instances.map((instance) => ({
      ...entryOf(instance, operatorStates, checks?.get(instance.instanceId)),
      certificateValidTo: stats?.get(instance.instanceId)?.certificateEndTime?.toISOString(),
    }));
    const guards = guardsIn(stats ?? new Map());
    const found: Found = { listing, operatorStates, entries, contracts, guards, service };
    if (listing.warming && !values.json) await warn(context);
    return { json: viewOf(found, clock.now()), text: toText(found, addresses, context) };
  },
});

interface Found extends Snapshot {
  readonly entries: readonly Entry[];
  readonly contracts: readonly InspectedService[];
  /** The breakers and bulkheads of the instances; empty if they weren't asked. */
  readonly guards: readonly InstanceGuard[];
  /** The service that the instances were selected by; undefined for all services. */
  readonly service: string | undefined;
}

async function warn({ stderr }: CommandContext): Promise<void> {
  const text = 'The registry has just started empty: what is missing may still come back.';
  await stderr.write(`${createPaint(stderr.color)('yellow', text)}\n`);
}

function viewOf({ listing, operatorStates, entries, contracts, guards }: Found, nowMs: number) {
  const { instances, warming, position } = listing;
  const registered = new Set(instances.map(({ instanceId }) => instanceId));
  return {
    instances: entries.map((entry) => viewEntry(entry, nowMs)),
    cordoned: viewOperatorStates(operatorStates, registered),
    warming,
    // 64-bit integers are strings.
    position: position ? { epoch: String(position.epoch), revision: String(position.revision) } : null,
    contracts,
    ...(guards.length > 0 && { guards: guards.map(viewGuard) }),
  };
}

function toText(found: Found, addresses: readonly string[], { stdout, clock }: CommandContext): string {
  const { listing, operatorStates, entries, contracts, guards, service } = found;
  const registered = new Set(listing.instances.map(({ instanceId }) => instanceId));
  // The registry doesn't know the services of an instance that isn't registered.
  const absent =
    service === undefined ? [...operatorStates.values()].filter(({ instanceId }) => !registered.has(instanceId)) : [];
  const paint = createPaint(stdout.color);
  const list =
    entries.length === 0
      ? `No instance is registered with the registry at ${addresses.join(', ')}.\n`
      : formatEntries(entries, clock.now(), tableLook(stdout));
  const remarks = formatRemarks({ entries, absent }, clock.now(), paint);
  const refused = formatGuards(refusing(guards), clock.now(), paint);
  return list + remarks + refused + formatDivided(contracts, paint);
}

interface Selection {
  readonly instances: readonly Instance[];
  /** The service that the instances were selected by; undefined for all services. */
  readonly service?: string;
}

function select(listing: Snapshot['listing'], name: string | undefined): Selection {
  const { instances } = listing;
  if (name === undefined) return { instances };
  const service = registeredService(name, listing);
  return { instances: instances.filter((instance) => instance.services.includes(service)), service };
}
