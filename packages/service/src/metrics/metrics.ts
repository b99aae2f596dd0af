import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import type { Logger } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { ServiceView } from '@rondo/rpc/internal';
import type { HostPort } from '../config/parsers.js';
import type { OTLP_PROTOCOLS } from '../config/shared.js';
import type { Handover } from '../lifecycle/handover.js';
import { meterGuards } from './guards.js';

/** The meter of a process, and where its measurements are served. */
export interface Metrics {
  readonly meter: Meter;
  /** The address of the metrics, as `host:port`; undefined if metrics are off. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

/** Where metrics go, and whose they are. */
export interface MetricsOptions {
  /** The address that serves them; undefined for none. */
  readonly listen: HostPort | undefined;
  /** How they are sent by OTLP; undefined if they aren't. */
  readonly push: Push | undefined;
  /** What the receiver of OTLP knows the process by. */
  readonly resource: Resource;
  readonly handover: Handover;
  readonly log: Logger;
}

/** A process, as OpenTelemetry names it. */
export interface Resource {
  readonly name: string;
  readonly instanceId: string;
  readonly version: string;
}

/** How metrics are sent. The SDK reads where to from `OTEL_EXPORTER_OTLP_ENDPOINT` and its kin. */
export interface Push {
  readonly protocol: (typeof OTLP_PROTOCOLS)[number];
  readonly intervalMs: number;
}

/**
 * Collects metrics, serves them and sends them. With neither an address nor a push the meter does nothing.
 *
 * @throws StartupError if the process can't listen at the address.
 */
export async function startMetrics(options: MetricsOptions): Promise<Metrics> {
  const { listen, push } = options;
  if (listen === undefined && push === undefined)
    return { meter: NO_METER, address: undefined, close: async () => undefined };
  // Loaded on demand: the SDK takes a large part of a process's start time.
  const { collectMetrics } = await import('./collect.js');
  return collectMetrics(options);
}

const nothing = () => undefined;
const NO_INSTRUMENT = { add: nothing, record: nothing, addCallback: nothing, removeCallback: nothing };
const noInstrument = () => NO_INSTRUMENT;

/** Measures nothing. OpenTelemetry's own meter of this kind comes with 45 more files, an eighth of all that a process loads. */
const NO_METER: Meter = {
  createGauge: noInstrument,
  createHistogram: noInstrument,
  createCounter: noInstrument,
  createUpDownCounter: noInstrument,
  createObservableGauge: noInstrument,
  createObservableCounter: noInstrument,
  createObservableUpDownCounter: noInstrument,
  addBatchObservableCallback: nothing,
  removeBatchObservableCallback: nothing,
};

/** Meters what a channel calls: discovery, balancing, breakers and bulkheads. */
export function meterChannel(meter: Meter, channel: Channel): void {
  meterDiscovery(meter, channel);
  meterBalancing(meter, channel);
  meterGuards(meter, channel);
}

/**
 * Meters discovery: the endpoints of each called service by connection state, and the state of the endpoint list
 * against the registry.
 */
export function meterDiscovery(meter: Meter, channel: Channel): void {
  const endpoints = meter.createObservableGauge('rondo.discovery.endpoints', {
    unit: '{endpoint}',
    description: 'The known endpoints of a service that this process calls, by connection state.',
  });
  meterSource(meter, channel);
  endpoints.addCallback((result) => {
    for (const view of channel.inspect()) {
      const counts = new Map<string, number>();
      for (const { state } of view.endpoints) counts.set(state, (counts.get(state) ?? 0) + 1);
      // A service without endpoints gets a zero, so that an alert can match it.
      if (counts.size === 0) counts.set('ready', 0);
      for (const [state, count] of counts) result.observe(count, { 'grpc.target': view.service, state });
    }
  });
}

/** Meters the state of the endpoint lists against the registry. */
function meterSource(meter: Meter, channel: Channel): void {
  const states = meter.createObservableGauge('rondo.discovery.registry.state', {
    unit: '{service}',
    description:
      "Always 1. The label is the state of a service's endpoint list against the registry; the reference of configuration has the states.",
  });
  states.addCallback((result) => {
    for (const { service, source } of channel.inspect()) {
      if (source !== undefined) result.observe(1, { 'grpc.target': service, state: source.state });
    }
  });
  const changes = meter.createObservableCounter('rondo.discovery.registry.changes', {
    unit: '{change}',
    description: "How often a service's endpoint list entered this state against the registry.",
  });
  changes.addCallback((result) => {
    for (const { service, source } of channel.inspect()) {
      for (const [state, count] of source?.changes ?? []) {
        result.observe(count, { 'grpc.target': service, state });
      }
    }
  });
}

/**
 * The number of endpoints, over all services, that get metrics of their own. It bounds the series of a process that
 * calls a large fleet.
 */
const MAX_ENDPOINTS = 1_000;

/** Meters load balancing: the calls, weight and ejection of each endpoint that this process calls. */
export function meterBalancing(meter: Meter, channel: Pick<Channel, 'inspect'>): void {
  const instruments = createInstruments(meter);
  const observe = (result: BatchObservableResult) => {
    for (const { service, endpoint } of endpointsOf(channel.inspect())) {
      const labels = { 'grpc.target': service, 'rondo.instance': endpoint.instanceId };
      result.observe(instruments.picks, endpoint.picks, labels);
      result.observe(instruments.inFlight, endpoint.inFlight, labels);
      result.observe(instruments.ejected, endpoint.leftOut ? 1 : 0, labels);
      if (endpoint.share !== undefined) result.observe(instruments.weight, endpoint.share, labels);
    }
  };
  meter.addBatchObservableCallback(observe, Object.values(instruments));
}

function createInstruments(meter: Meter) {
  return {
    picks: meter.createObservableCounter('rondo.balancer.picks', {
      unit: '{call}',
      description:
        'The calls that this process has sent to an instance, by service and instance. At most 1,000 instances have metrics of their own.',
    }),
    weight: meter.createObservableGauge('rondo.balancer.weight', {
      unit: '1',
      description:
        "The share of a service's next calls that an instance gets by its weight; absent if the policy ignores weights.",
    }),
    inFlight: meter.createObservableGauge('rondo.balancer.calls_in_flight', {
      unit: '{call}',
      description: 'The calls of this process in flight at an instance.',
    }),
    ejected: meter.createObservableGauge('rondo.balancer.ejected', {
      description:
        '1 for an instance that is connected but gets no calls of a method or of all methods: ejected, set aside or unhealthy. Set an alert if it stays 1.',
    }),
  };
}

function endpointsOf(views: readonly ServiceView[]) {
  const all = views.flatMap(({ service, endpoints }) => endpoints.map((endpoint) => ({ service, endpoint })));
  return all.slice(0, MAX_ENDPOINTS);
}
