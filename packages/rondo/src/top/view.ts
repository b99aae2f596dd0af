import {
  type Availability,
  addressOf,
  answeredShare,
  arrivals,
  chanceAllFail,
  isPicked,
  type MethodFlow,
  sumUp,
} from '@rondo/operate/internal';
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
  /** The state of the instance; missing if the row isn't about one. */
  readonly state?: Sampled['state'];
}

/** What `rondo top` shows at one time. It is also its JSON. */
export type View = ReturnType<typeof viewOf>;

interface ViewOptions {
  readonly by: By;
  /** The only service that is shown; undefined for all. */
  readonly service: string | undefined;
  readonly availability: Availability;
}

/** Sums up what is known of the instances. */
export function viewOf(sampled: readonly Sampled[], { by, service, availability }: ViewOptions) {
  const shown = new Set(servicesOf(sampled).filter((name) => service === undefined || name === service));
  // One pass over the flows, which may be 1,000 instances times 50 methods.
  const flows = sampled.flatMap((one) => one.flows.filter((flow) => shown.has(flow.service)));
  const flowsOf = groupBy(flows, (flow) => flow.service);
  const services = [...shown].map((name) => {
    const serving = sampled.filter(({ instance }) => instance.services.includes(name));
    return { name, serving, flows: flowsOf.get(name) ?? [] };
  });
  const rowsBy: Readonly<Record<By, () => Row[]>> = {
    service: () => services.map((one) => rowOf(one.name, one.serving, one.flows)),
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
  const rows: readonly Row[] = rowsBy[by]().sort(busiestFirst);
  return {
    by,
    /** The largest rates first. */
    rows,
    services: services.map((one) => loadOf(one, availability.of(one.name))).sort(busiestFirst),
    /** Whether the figures of each are known; if not, why. */
    instances: sampled.map(({ instance, state, reason }) => {
      return { instanceId: instance.instanceId, address: addressOf(instance), state, reason: reason || null };
    }),
  };
}

interface ServiceView {
  readonly name: string;
  readonly serving: readonly Sampled[];
  readonly flows: readonly MethodFlow[];
}

export const servicesOf = (sampled: readonly Pick<Sampled, 'instance'>[]): readonly string[] =>
  [...new Set(sampled.flatMap(({ instance }) => instance.services))].sort();

/** By rate, and by name if the rates are the same. */
const busiestFirst = (a: Pick<Row, 'callsPerSecond'>, b: Pick<Row, 'callsPerSecond'>): number =>
  b.callsPerSecond - a.callsPerSecond;

function rowOf(name: string, serving: readonly Sampled[], flows: readonly MethodFlow[]): Row {
  const counted = serving.filter(({ state }) => state === 'counted').length;
  return { name, counted, instances: serving.length, ...sumUp(flows) };
}

/** The load and the risk of a service; null is what isn't known, or without an instance. */
function loadOf({ name, serving, flows }: ServiceView, availability: number | null) {
  const replicas = serving.filter(({ instance }) => isPicked(instance));
  const instances = replicas.length;
  const { calls, callsPerSecond } = arrivals(flows);
  return {
    service: name,
    /** S: the instances that clients may pick. */
    instances,
    /** N: the calls that began in the interval. */
    calls,
    callsPerSecond,
    availability,
    unreachable: replicas.filter(({ state }) => state === 'unreachable').length,
    /** LB = N / S, per second. */
    load: instances === 0 ? null : callsPerSecond / instances,
    /** The chance that all instances fail at once. */
    allFail: availability === null || instances === 0 ? null : chanceAllFail(availability, instances),
  };
}

export function recordAvailability(availability: Availability, { instance, state, flows }: Sampled): void {
  if (state === 'waiting' || !isPicked(instance)) return;
  for (const name of instance.services) {
    const own = flows.filter(({ service }) => service === name);
    availability.record(name, state === 'unreachable' ? 0 : answeredShare(own));
  }
}
