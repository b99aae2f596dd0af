import { readSnapshot, type Snapshot } from '@rondo/operate/internal';
import { type CommandContext, defineCommand } from '../command.js';
import { completeService } from '../completion/registered.js';
import type { Difference } from '../contract/compare.js';
import {
  type Comparison,
  dividedServices,
  type InspectedService,
  type InspectedVersion,
  inspect,
} from '../contract/inspect.js';
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
import { registeredService, registryAddresses, withRegistry } from '../registry/locate.js';
import { createPaint, type Paint, tableLook } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';

export const ps = defineCommand({
  name: 'ps',
  summary: 'Lists the live instances in the registry, and why an instance is not picked.',
  details: [
    'STATUS is what the instance reports: STARTING, SERVING or DRAINING; CORDONED if an operator has cordoned it, and LAPSED if',
    'its lease has expired and the registry holds its removal back. Lines below the list say why an instance is not picked, and',
    'how versions of a contract differ, if instances have several: callers and servers of incompatible ones misread each other.',
    'CARRIER is frames if other Rondo processes call the instance by them, and - for gRPC alone.',
    '--check adds the breakers that are open, the bulkheads that are full and, with TLS, the end of each certificate.',
  ].join('\n'),
  options: {
    check: flag('Ask each instance for its health, its services and its breakers; it has a second to answer.'),
    ...registryOption,
    ...jsonOption,
  },
  args: { name: '[service]' },
  examples: [
    ['ps', 'All instances.'],
    ['ps --check', 'Also checks that each can be reached, and is what the registry says.'],
    ["ps --json | jq -r '.instances[].endpoints[0].address'", 'The addresses, for a script.'],
  ],
  complete: completeService,
  async run({ name, check }, context) {
    const { clock, signal, json, stderr } = context;
    const addresses = await registryAddresses(context);
    const { listing, operatorStates } = await withRegistry(addresses, (registry) => readSnapshot(registry, signal));
    const service = name === undefined ? undefined : registeredService(name, listing);
    const instances = listing.instances.filter(({ services }) => service === undefined || services.includes(service));
    const [contracts, checks, stats] = await Promise.all([
      inspect(dividedServices(instances, service), { clock, signal }),
      check ? checkAll(instances, { clock, signal }) : undefined,
      check ? askStats(instances, { clock, signal }) : undefined,
    ]);
    const entries = instances.map((instance) => ({
      ...entryOf(instance, operatorStates, checks?.get(instance.instanceId)),
      certificateValidTo: stats?.get(instance.instanceId)?.certificateEndTime?.toISOString(),
    }));
    const guards = guardsIn(stats ?? new Map());
    const found: Found = { listing, operatorStates, entries, contracts, guards, service };
    const note = 'The registry has just started empty: what is missing may still come back.';
    if (listing.warming && !json) await stderr.write(`${createPaint(stderr.color)('yellow', note)}\n`);
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

function viewOf({ listing, operatorStates, entries, contracts, guards }: Found, nowMs: number) {
  const { instances, warming, position } = listing;
  const registered = new Set(instances.map(({ instanceId }) => instanceId));
  return {
    instances: entries.map((entry) => viewEntry(entry, nowMs)),
    cordoned: viewOperatorStates(operatorStates, registered),
    warming,
    position: position ?? null,
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

/** How many differences of each kind are printed. `--json` prints all. */
const SHOWN = 5;

/** The text below a list of instances: the services whose instances have different contracts. */
function formatDivided(services: readonly InspectedService[], paint: Paint): string {
  const parts = services.map(({ service, compatible, versions }) => {
    const title = `${service}: ${versions.length} versions of the contract`;
    const heading = compatible === false ? paint('red', title) : title;
    const lines = versions.flatMap((version) => formatVersion(version, versions[0]?.fingerprint, paint));
    return ['', heading, ...lines, ''].join('\n');
  });
  return parts.join('');
}

/** @param most the fingerprint that most instances have. A comparison with another version names that version. */
function formatVersion(version: InspectedVersion, most: string | undefined, paint: Paint): readonly string[] {
  const { fingerprint, instances, comparisons, notCompared } = version;
  const [first, ...others] = comparisons;
  return [
    `  ${printable(`${fingerprint}  ${instances.join(', ')}`)}`,
    ...(notCompared === null ? [] : [`    differs, not compared: ${printable(notCompared)}`]),
    ...(first === undefined ? [] : formatComparison(first, first.with === most ? '' : ` with ${first.with}`, paint)),
    // The first comparison has listed what is added and removed.
    ...others.flatMap((other) => formatIncompatible(other, ` with ${other.with}`, paint)),
  ];
}

function formatComparison(comparison: Comparison, withWhat: string, paint: Paint): readonly string[] {
  const { differences } = comparison;
  const compatible = differences.filter(({ kind }) => kind !== 'incompatible');
  const incompatible = formatIncompatible(comparison, withWhat, paint);
  if (compatible.length === 0) {
    return incompatible.length > 0 ? incompatible : [`    compatible${withWhat}: each reads what the other writes`];
  }
  return [...incompatible, `    ${label(differences)}${withWhat}: ${summarise(compatible)}`];
}

function formatIncompatible({ differences }: Comparison, withWhat: string, paint: Paint): readonly string[] {
  const texts = differences.filter(({ kind }) => kind === 'incompatible').map(({ text }) => text);
  return shorten(texts).map((text) => `    ${paint('red', `incompatible${printable(withWhat)}`)}: ${printable(text)}`);
}

/** A version that only adds is newer, and one that only lacks is older. */
function label(differences: readonly Difference[]): string {
  const kinds = new Set(differences.map(({ kind }) => kind));
  if (kinds.size > 1) return kinds.has('incompatible') ? 'besides' : 'compatible';
  if (kinds.has('added')) return 'newer';
  return kinds.has('removed') ? 'older' : 'compatible';
}

function summarise(differences: readonly Difference[]): string {
  const of = (wanted: Difference['kind']) =>
    shorten(differences.filter(({ kind }) => kind === wanted).map(({ text }) => text));
  const [added, removed] = [of('added'), of('removed')];
  const parts = [
    ...(added.length > 0 ? [`adds ${added.join(', ')}`] : []),
    ...(removed.length > 0 ? [`lacks ${removed.join(', ')}`] : []),
  ];
  return printable(parts.join('; '));
}

function shorten(texts: readonly string[]): readonly string[] {
  if (texts.length <= SHOWN) return texts;
  return [...texts.slice(0, SHOWN), `and ${texts.length - SHOWN} more (--json lists all)`];
}
