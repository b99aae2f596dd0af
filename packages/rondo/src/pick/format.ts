import { POLICIES, type ServiceView } from '@rondo/rpc/internal';
import { formatTable } from '../terminal/table.js';
import type { Look } from '../terminal/terminal.js';
import { printable } from '../terminal/text.js';
import { type Explained, SAMPLE } from './explain.js';
import type { Observer, ObserverOptions } from './observer.js';

/** Where the balancing policy comes from: as a channel reports it, or `option` for `--policy`. */
export type Origin = ServiceView['balancing']['origin'] | 'option';

/** What is printed before the instances. */
export interface Heading {
  readonly observer: Observer;
  readonly asked: ObserverOptions;
  readonly origin: Origin;
}

const ORIGINS: Readonly<Record<Origin, string>> = {
  default: 'by default',
  contract: 'as its contract says',
  configuration: 'as RONDO_BALANCING or rondo config says',
  option: 'as --policy says',
};

/** The policy and its origin, the client's zone, and the registry. */
export function formatHeading({ observer, asked: { question, zone, registry }, origin }: Heading): string {
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
export function formatExplained(explained: readonly Explained[], look: Look): string {
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
export const FOOTNOTE = `SHARE: of ${SAMPLE} picks. LOAD: calls in flight, and calls a second, as the instance reports them.\n`;
