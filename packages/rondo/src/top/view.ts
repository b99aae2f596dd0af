import type { MethodFlow } from '@rondo/operate/internal';
import {
  type Availability,
  addressOf,
  answeredShare,
  arrivals,
  chanceAllFail,
  isPicked,
  sumUp,
} from '@rondo/operate/internal';
import type { Sampled } from './sampler.js';

/** What a row is about. */
export type By = 'service' | 'method' | 'instance';

/** All values of {@link By}. */
export const BY: readonly By[] = ['service', 'method', 'instance'];

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

/** The load and the risk of a service. */
export interface ServiceLoad {
  readonly service: string;
  /** S: the instances that clients may pick. */
  readonly instances: number;
  readonly unreachable: number;
  /** N: the calls that began in the interval. */
  readonly calls: number;
  readonly callsPerSecond: number;
  /** LB = N / S, per second; null without instances. */
  readonly load: number | null;
  /** Null if it hasn't been observed yet. */
  readonly availability: number | null;
  /** The chance that all instances fail at once. */
  readonly allFail: number | null;
}

/** What `rondo top` shows at one time. It is also its JSON. */
export interface View {
  readonly by: By;
  /** The largest rates first. */
  readonly rows: readonly Row[];
  readonly services: readonly ServiceLoad[];
  readonly instances: readonly InstanceState[];
}

/** Whether an instance's figures are known. */
export interface InstanceState {
  readonly instanceId: string;
  readonly address: string;
  readonly state: Sampled['state'];
  readonly reason: string | null;
}

/** What a view is made of. */
interface ViewOptions {
  readonly by: By;
  /** The only service that is shown; undefined for all. */
  readonly service: string | undefined;
  readonly availability: Availability;
}

/** Sums up what is known of the instances. */
export function viewOf(sampled: readonly Sampled[], { by, service, availability }: ViewOptions): View {
  const services = servicesOf(sampled, service).map((name) => viewService(name, sampled));
  const shown = new Set(services.map(({ name }) => name));
  // One pass over the flows, which may be 1,000 instances times 50 methods.
  const flows = sampled.flatMap((one) => one.flows.filter((flow) => shown.has(flow.service)));
  const flowsOf = group(flows, (flow) => flow.service);
  return {
    by,
    rows: rowsBy[by]({ services, flows, sampled, shown }).sort(busiestFirst),
    services: services.map((one) => loadOf(one, flowsOf.get(one.name) ?? [], availability)).sort(busiestFirst),
    instances: sampled.map(({ instance, state, reason }) => {
      return { instanceId: instance.instanceId, address: addressOf(instance), state, reason: reason || null };
    }),
  };
}

/** A service, its instances, and which of them clients may pick. */
interface ServiceView {
  readonly name: string;
  readonly counted: number;
  readonly instances: number;
  readonly replicas: readonly Sampled[];
}

function viewService(name: string, sampled: readonly Sampled[]): ServiceView {
  const serving = sampled.filter(({ instance }) => instance.services.includes(name));
  const counted = serving.filter(({ state }) => state === 'counted').length;
  return { name, counted, instances: serving.length, replicas: serving.filter(({ instance }) => isPicked(instance)) };
}

function group(
  flows: readonly MethodFlow[],
  keyOf: (flow: MethodFlow) => string,
): ReadonlyMap<string, readonly MethodFlow[]> {
  const groups = new Map<string, MethodFlow[]>();
  for (const flow of flows) {
    const key = keyOf(flow);
    const found = groups.get(key);
    if (found === undefined) groups.set(key, [flow]);
    else found.push(flow);
  }
  return groups;
}

/** The registered services that are shown. */
export function servicesOf(sampled: readonly Pick<Sampled, 'instance'>[], service?: string): readonly string[] {
  const all = [...new Set(sampled.flatMap(({ instance }) => instance.services))].sort();
  return service === undefined ? all : all.filter((name) => name === service);
}

/** By rate, and by name if the rates are the same. */
function busiestFirst(a: Pick<Row, 'callsPerSecond'>, b: Pick<Row, 'callsPerSecond'>): number {
  return b.callsPerSecond - a.callsPerSecond;
}

interface RowSources {
  readonly services: readonly ServiceView[];
  /** Of these services. */
  readonly flows: readonly MethodFlow[];
  readonly sampled: readonly Sampled[];
  readonly shown: ReadonlySet<string>;
}

const rowsBy: Readonly<Record<By, (sources: RowSources) => Row[]>> = {
  service({ services, flows }) {
    const flowsOf = group(flows, (flow) => flow.service);
    return services.map((one) => rowOf(one.name, one, flowsOf.get(one.name) ?? []));
  },
  method({ services, flows }) {
    const served = new Map(services.map((one) => [one.name, one]));
    return [...group(flows, ({ service, method }) => `${service}/${method}`)].sort(byName).flatMap(([name, of]) => {
      const service = served.get(of[0]?.service ?? '');
      return service === undefined ? [] : [rowOf(name, service, of)];
    });
  },
  instance: ({ sampled, shown }) =>
    sampled.map(({ instance, state, flows }) => {
      const counted = state === 'counted' ? 1 : 0;
      const figures = sumUp(flows.filter(({ service }) => shown.has(service)));
      return { name: instance.instanceId, state, counted, instances: 1, ...figures };
    }),
};

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

const rowOf = (name: string, { counted, instances }: ServiceView, flows: readonly MethodFlow[]): Row => {
  return { name, counted, instances, ...sumUp(flows) };
};

function loadOf(
  { name, replicas }: ServiceView,
  flows: readonly MethodFlow[],
  availability: Availability,
): ServiceLoad {
  const { calls, callsPerSecond } = arrivals(flows);
  const instances = replicas.length;
  const available = availability.of(name);
  return {
    service: name,
    instances,
    unreachable: replicas.filter(({ state }) => state === 'unreachable').length,
    calls,
    callsPerSecond,
    load: instances === 0 ? null : callsPerSecond / instances,
    availability: available,
    allFail: available === null || instances === 0 ? null : chanceAllFail(available, instances),
  };
}

/** Adds a sample of an instance to the availability of its services. */
export function recordAvailability(availability: Availability, { instance, state, flows }: Sampled): void {
  if (state === 'waiting' || !isPicked(instance)) return;
  for (const name of instance.services) {
    const own = flows.filter(({ service }) => service === name);
    availability.record(name, state === 'unreachable' ? 0 : answeredShare(own));
  }
}
