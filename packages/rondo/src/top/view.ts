import { addressOf, isPicked, type MethodFlow, sumUp } from '@rondo/operate/internal';
import { groupBy } from '@rondo/rpc/internal';
import type { Sampled } from './sampler.js';

/** What a row may be about. */
export const BY = ['service', 'method', 'instance'] as const;

export type By = (typeof BY)[number];

/** A row: the sum of its flows. */
export interface Row extends ReturnType<typeof sumUp> {
  /** The full name of a service, `service/method`, or an instance id. */
  readonly name: string;
  /** How many instances the figures are of, and how many there are. */
  readonly counted: number;
  readonly instances: number;
  /** LB = N/S: the calls a second, divided by the instances that clients may pick; null without one. Only of a service. */
  readonly load?: number | null;
  /** The state of the instance; missing if the row isn't about one. */
  readonly state?: Sampled['state'];
}

/** What `rondo top` shows at one time. It is also its JSON. */
export type View = ReturnType<typeof viewOf>;

interface ViewOptions {
  readonly by: By;
  /** The only service that is shown; undefined for all. */
  readonly service: string | undefined;
}

/** Sums up what is known of the instances. */
export function viewOf(sampled: readonly Sampled[], { by, service }: ViewOptions) {
  const names = new Set(sampled.flatMap(({ instance }) => instance.services));
  const shown = new Set([...names].sort().filter((name) => service === undefined || name === service));
  // One pass over the flows, which may be 1,000 instances times 50 methods.
  const flows = sampled.flatMap((one) => one.flows.filter((flow) => shown.has(flow.service)));
  const flowsOf = groupBy(flows, (flow) => flow.service);
  const services = [...shown].map((name) => {
    const serving = sampled.filter(({ instance }) => instance.services.includes(name));
    return { name, serving, flows: flowsOf.get(name) ?? [] };
  });
  const rowsBy: Readonly<Record<By, () => Row[]>> = {
    service: () =>
      services.map(({ name, serving, flows: own }) => {
        const row = rowOf(name, serving, own);
        const picked = serving.filter(({ instance }) => isPicked(instance)).length;
        return { ...row, load: picked === 0 ? null : row.callsPerSecond / picked };
      }),
    method() {
      const serving = new Map(services.map((one) => [one.name, one.serving]));
      return [...groupBy(flows, ({ service: name, method }) => `${name}/${method}`)]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, of]) => rowOf(name, serving.get(of[0]?.service ?? '') ?? [], of));
    },
    instance: () =>
      sampled.map((one) => {
        const own = one.flows.filter((flow) => shown.has(flow.service));
        return { ...rowOf(one.instance.instanceId, [one], own), state: one.state };
      }),
  };
  // By rate, and by name if the rates are the same.
  const rows: readonly Row[] = rowsBy[by]().sort((a, b) => b.callsPerSecond - a.callsPerSecond);
  return {
    by,
    /** The largest rates first. */
    rows,
    /** Whether the figures of each are known; if not, why. */
    instances: sampled.map(({ instance, state, reason }) => {
      return { instanceId: instance.instanceId, address: addressOf(instance), state, reason: reason || null };
    }),
  };
}

function rowOf(name: string, serving: readonly Sampled[], flows: readonly MethodFlow[]): Row {
  const counted = serving.filter(({ state }) => state === 'counted').length;
  return { name, counted, instances: serving.length, ...sumUp(flows) };
}
