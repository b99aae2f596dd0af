import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { readSnapshot } from '@rondo/operate/internal';
import { balancingText, EVERY_SERVICE, POLICIES, type ServiceView } from '@rondo/rpc/internal';
import { parseMethodName } from '../call/target.js';
import { type CommandContext, defineCommand, type Printed } from '../command.js';
import { completeMethod, completeService } from '../completion/registered.js';
import { balancingOverrides, callerZone } from '../environment.js';
import { UsageError } from '../errors.js';
import { flag, valued } from '../help.js';
import { type Entry, entryOf } from '../listing/entries.js';
import { askStats, formatGuards, guardsIn, viewGuard } from '../listing/guards.js';
import { jsonOption, metadataOption, parseMetadata, registryOption, whole } from '../options.js';
import { type Explained, explainAll, SAMPLE } from '../pick/explain.js';
import { type Observer, type ObserverOptions, withObserver } from '../pick/observer.js';
import { callSettings, registeredService, registryAddresses, withRegistry } from '../registry/locate.js';
import { formatTable } from '../terminal/table.js';
import { type Look, tableLook } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';

export const pick = defineCommand({
  name: 'pick',
  summary: 'Tells which instance a client here would call, and why not the others. It makes no call.',
  details: [
    'It resolves, connects and picks as a client of the service does, by the policy of the contract, of RONDO_BALANCING, of',
    'rondo config or of --policy. It does not know the state of other clients: their calls in flight, and the instances that',
    'they have ejected as outliers. Their metrics show it: rondo_balancer_*.',
    '',
    '--explain lists every registered instance of the service. SHARE is its share of 1000 picks, LOAD is the load that it',
    'reports, and WHY is why it is not picked, or what is odd about it. Below are the circuit breakers and bulkheads that the',
    'registered instances have for the service: a client whose breaker is open makes no call.',
  ].join('\n'),
  options: {
    explain: flag('Show the share of each instance, or why it is not picked.'),
    count: { ...whole('N', 'Pick N times, as N calls would.', 100_000), default: '1' },
    zone: valued('REGION/ZONE', 'Pick as a client in this zone; else RONDO_ZONE.'),
    policy: {
      ...valued('POLICY', 'Pick by this policy, written as in RONDO_BALANCING: weighted_round_robin?weights=static.'),
      complete: Object.keys(POLICIES).map((word) => ({ word })),
      read: readPolicy,
    },
    key: valued('KEY', "The call's key, for a policy that uses one (ring_hash)."),
    ...metadataOption,
    ...registryOption,
    ...jsonOption,
  },
  args: { name: '<service>[/<method>]' },
  missing: 'name a service: rondo pick CalculatorService',
  examples: [
    ['pick CalculatorService --explain', 'Each instance with its share, or the reason why it gets no calls.'],
    ['pick CalculatorService/Add --count 9', 'Nine picks, one after the other.'],
    ['pick ChatService --key rooms/7', 'The instance that owns this key, of a service that is balanced by ring_hash.'],
  ],
  exitCodes: { OK: 'An instance would be picked.', FAILED: 'No instance would be picked, or rondo could not tell.' },
  complete: async (written, context) =>
    written.word.includes('/') ? completeMethod(written, context) : completeService(written, context),
  async run({ name, explain, count, policy, key, ...values }, context) {
    const { environment, clock, signal } = context;
    const { service: wanted, method } = parseMethodName(name);
    const metadata = parseMetadata(values.metadata);
    const zone = callerZone(environment, values.zone);
    const balancing = policy === undefined ? balancingOverrides(environment) : { [EVERY_SERVICE]: policy };
    const registry = await registryAddresses(context);
    const { listing, operatorStates } = await withRegistry(registry, (connection) => readSnapshot(connection, signal));
    const live = await callSettings(registry, signal);
    // What the command line says outranks the settings.
    const settings = policy === undefined ? live : { ...live, balancing: {} };
    const service = registeredService(wanted, listing);
    const instances = listing.instances.filter((instance) => instance.services.includes(service));
    const entries = instances.map((instance) => entryOf(instance, operatorStates));
    const question = { service, method, metadata, key };
    const asked = { question, instances, registry, zone, balancing, settings, clock, signal };
    return withObserver(asked, async (observer) => {
      const { balancing: used } = observer.view();
      if (key !== undefined && POLICIES[used.policy].affinity !== 'key') {
        const why = `the service is balanced by ${used.policy}, by which no instance owns a key`;
        throw new UsageError(`--key: ${why}; leave --key out`);
      }
      const origin = policy === undefined ? used.origin : 'option';
      const shown: Shown = { entries, clients: listing.instances, asked, observer, origin };
      if (explain) return explainPicks(shown, context);
      const picks: { readonly instanceId: string; readonly address: string }[] = [];
      for (let left = count; left > 0; left -= 1) picks.push(await observer.pick());
      const lines = picks.map(({ instanceId, address }) => `${printable(instanceId)} ${printable(address)}\n`);
      return { json: { ...viewHeading(shown), picks }, text: lines.join('') };
    });
  },
});

interface Shown {
  readonly observer: Observer;
  readonly asked: ObserverOptions;
  readonly origin: Origin;
  readonly entries: readonly Entry[];
  /** All instances in the registry: some of them may call the service. */
  readonly clients: readonly Instance[];
}

function readPolicy(text: string) {
  const { value, faults } = balancingText.parseOne(text);
  if (faults.length > 0) throw new UsageError(`--policy "${text}": ${faults.join('; ')}`);
  return value;
}

async function explainPicks(shown: Shown, { stdout, clock, signal }: CommandContext): Promise<Printed> {
  const { observer, asked, entries, clients } = shown;
  const { service, method, metadata } = asked.question;
  const asking = { clock, signal, zone: asked.zone, version: metadata.get('rondo-version') };
  const endpoints = await explainAll(observer, entries, asking);
  const known = guardsIn(await askStats(clients, { clock, signal }));
  const guards = known.filter(
    ({ guard }) => guard.service === service && (method === undefined || guard.method === method),
  );
  const parts = [
    formatHeading(shown),
    formatExplained(endpoints, tableLook(stdout)),
    FOOTNOTE + formatGuards(guards, clock.now(), tableLook(stdout).paint),
  ];
  return {
    json: { ...viewHeading(shown), endpoints, guards: guards.map(viewGuard) },
    text: parts.join('\n'),
    failed: !endpoints.some(({ picked }) => picked),
  };
}

function viewHeading({ observer, asked: { question, zone }, origin }: Shown) {
  const { balancing, source } = observer.view();
  const { service, method = null } = question;
  const { policy, weights, slowStartMs, subsetSize = null, hashBalanceFactor = null } = balancing;
  return {
    service,
    method,
    zone,
    policy: { name: policy, weights, slowStartMs, subsetSize, hashBalanceFactor, origin },
    contractKnown: observer.unknown === undefined,
    source: source === undefined ? null : { state: source.state, address: source.address ?? null },
  };
}

/** Where the balancing policy comes from: as a channel reports it, or `option` for `--policy`. */
type Origin = ServiceView['balancing']['origin'] | 'option';

const ORIGINS: Readonly<Record<Origin, string>> = {
  default: 'by default',
  contract: 'as its contract says',
  configuration: 'as RONDO_BALANCING or rondo config says',
  option: 'as --policy says',
};

/** The policy and its origin, the client's zone, and the registry. */
function formatHeading({ observer, asked: { question, zone, registry }, origin }: Shown): string {
  const { balancing, source } = observer.view();
  const { service, method, key } = question;
  const lines = [
    `${service}${method === undefined ? '' : `/${method}`}: ${describePolicy(balancing)}, ${ORIGINS[origin]}`,
    ...(observer.unknown === undefined ? [] : [`its contract is not known (${observer.unknown}): only defaults count`]),
    ...(POLICIES[balancing.policy].affinity === 'key' && key === undefined
      ? ['without a key (--key), so any instance may be picked']
      : []),
    `from ${zone === '' ? 'no zone (--zone, RONDO_ZONE)' : zone}, by the registry at ${source?.address ?? registry.join(', ')} (${source?.state ?? 'fixed'})`,
  ];
  return lines.map((line) => `${printable(line)}\n`).join('');
}

function describePolicy(balancing: ServiceView['balancing']): string {
  const { policy, weights, slowStartMs, subsetSize, hashBalanceFactor } = balancing;
  return [
    policy,
    ...(weights === 'load' ? ['weights by load'] : []),
    ...(subsetSize === undefined ? [] : [`a subset of ${subsetSize}`]),
    ...(hashBalanceFactor === undefined ? [] : [`loads of at most ${hashBalanceFactor} % of the mean`]),
    slowStartMs === 0 ? 'no slow start' : `slow start ${slowStartMs / 1_000} s`,
  ].join(', ');
}

/** A table of instances, with the share of picks of each, or the reason why it gets none. */
function formatExplained(explained: readonly Explained[], look: Look): string {
  const rows = explained.map(({ instanceId, address, zone, version, weight, load, state, picked, share, reason }) => [
    ...[instanceId, address, zone || '-', version || '-', weight || '-'],
    load === null ? '-' : `${load.callsInFlight ?? '?'} in flight, ${Number(load.callsPerSecond.toFixed(1))}/s`,
    ...[state, picked ? `${Number((share * 100).toFixed(1))} %` : '-', reason ?? 'picked'],
  ]);
  const heading = ['INSTANCE', 'ADDRESS', 'ZONE', 'VERSION', 'WEIGHT', 'LOAD', 'STATE', 'SHARE', 'WHY'];
  const style = (_: string, { row }: { readonly row: number }) => (explained[row - 1]?.picked ? undefined : 'dim');
  return formatTable([heading, ...rows], { ...look, style });
}

/** The line below the table. */
const FOOTNOTE = `SHARE: of ${SAMPLE} picks. LOAD: calls in flight, and calls a second, as the instance reports them.\n`;
