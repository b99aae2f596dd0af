import type { Fleet, Instance } from '../fleet/watch.js';
import type { Tone } from '../ui/parts.js';
import { figure, share } from '../ui/text.js';

/** Something that isn't well, and where to see more of it. */
export interface Problem {
  readonly tone: Tone;
  readonly text: string;
  readonly href: string;
}

const BUSY = 0.9;
const at = (id: string) => `#/fleet//${encodeURIComponent(id)}`;

const isFailing = ({ load }: Instance) => (load?.errorsPerSecond ?? 0) > 0;

/** What isn't well in the fleet, the worst first. */
export function problemsOf({ isCurrent, instances, edges }: Fleet): readonly Problem[] {
  const faults: Problem[] = [];
  const warnings: Problem[] = [];
  if (!isCurrent)
    warnings.push({ tone: 'warn', text: 'The registry can’t be reached, or has just started', href: '#/fleet' });
  const served = new Set(instances.filter(({ state }) => state === 'serving').flatMap(({ services }) => services));
  const missing = new Set(edges.flatMap(({ service = '' }) => (served.has(service) ? [] : [service])));
  for (const service of missing) faults.push({ tone: 'fault', text: `No instance serves ${service}`, href: '#/fleet' });
  const leftOut = new Map(
    edges.flatMap(({ leftOut: some = [] }) => some.map((one) => [one.instanceId ?? '', one] as const)),
  );
  for (const [id, { reason }] of leftOut)
    faults.push({ tone: 'fault', text: `${id} is left out by a caller: ${reason}`, href: at(id) });
  for (const [name, failing] of Map.groupBy(instances.filter(isFailing), (one) => one.name)) {
    const rate = figure(failing.reduce((sum, { load }) => sum + (load?.errorsPerSecond ?? 0), 0));
    const [id = ''] = failing.map((one) => one.id);
    faults.push(
      failing.length === 1
        ? { tone: 'fault', text: `${id} fails ${rate} calls/s`, href: at(id) }
        : {
            ...{ tone: 'fault', href: `#/fleet/${encodeURIComponent(name)}` },
            text: `${failing.length} instances of ${name} fail ${rate} calls/s`,
          },
    );
  }
  for (const { id, state, load } of instances) {
    const { cpuUtilization = 0 } = load ?? {};
    if (cpuUtilization > BUSY)
      warnings.push({ tone: 'warn', text: `${id} is busy: ${share(cpuUtilization)} of the time`, href: at(id) });
    if (state !== 'serving') warnings.push({ tone: 'warn', text: `${id} is ${state}`, href: at(id) });
  }
  return [...faults, ...warnings];
}
