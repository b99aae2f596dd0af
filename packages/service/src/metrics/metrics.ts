import { createNoopMeter, type Meter, type BatchObservableResult } from '@opentelemetry/api';
import type { HostPort } from '../config/parsers.js';
import type { Channel, ServiceView } from '@rondo/rpc/client';

/** Where a process's measurements go. */
export interface Metrics {
  readonly meter: Meter;
  /** Where they can be read, as `host:port`; undefined where they aren't kept. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

/**
 * Keeps metrics and serves them at `listen`; without it they cost nothing.
 *
 * @throws StartupError where nothing can listen there.
 */
export async function startMetrics(listen: HostPort | undefined): Promise<Metrics> {
  if (listen === undefined) return { meter: createNoopMeter(), address: undefined, close: async () => undefined };
  // To load what keeps them takes a good part of a process's start.
  const { collectMetrics } = await import('./prometheus.js');
  return await collectMetrics(listen);
}

/** Meters the process itself: its start, its memory and how busy its event loop is. */
export function meterProcess(meter: Meter): void {
  const started = meter.createObservableGauge('process.start_time', {
    unit: 's',
    description: 'When the process started, in seconds since the Unix epoch.',
  });
  started.addCallback((result) => result.observe(performance.timeOrigin / 1000));
  const memory = meter.createObservableGauge('process.memory.usage', {
    unit: 'By',
    description: 'The physical memory that the process holds.',
  });
  memory.addCallback((result) => result.observe(process.memoryUsage.rss()));
  const busy = meter.createObservableGauge('nodejs.eventloop.utilization', {
    unit: '1',
    description: 'The share of the time since the last reading in which the event loop was busy.',
  });
  let last = performance.eventLoopUtilization();
  busy.addCallback((result) => {
    const now = performance.eventLoopUtilization();
    result.observe(performance.eventLoopUtilization(now, last).utilization);
    last = now;
  });
}

/**
 * Meters what discovery knows: the endpoints of each service called, by the state of their connections, and how that
 * list stands to the registry.
 */
export function meterDiscovery(meter: Meter, channel: Channel): void {
  const endpoints = meter.createObservableGauge('rondo.discovery.endpoints', {
    unit: '{endpoint}',
    description: 'The endpoints known of a service that this process calls, by the state of the connection to each.',
  });
  meterSource(meter, channel);
  endpoints.addCallback((result) => {
    for (const view of channel.inspect()) {
      const counts = new Map<string, number>();
      for (const { state } of view.endpoints) counts.set(state, (counts.get(state) ?? 0) + 1);
      // None at all is worth a line of its own: it is what an alert looks for.
      if (counts.size === 0) counts.set('ready', 0);
      for (const [state, count] of counts) result.observe(count, { 'grpc.target': view.service, state });
    }
  });
}

/** Meters how the lists of endpoints stand to the registry. */
function meterSource(meter: Meter, channel: Channel): void {
  const states = meter.createObservableGauge('rondo.discovery.registry.state', {
    unit: '{service}',
    description: 'Always 1: how the endpoints known of a service stand to the registry now, by the state.',
  });
  states.addCallback((result) => {
    for (const { service, source } of channel.inspect()) {
      if (source !== undefined) result.observe(1, { 'grpc.target': service, state: source.state });
    }
  });
  const changes = meter.createObservableCounter('rondo.discovery.registry.changes', {
    unit: '{change}',
    description: 'How often the endpoints known of a service came to stand so to the registry, by the state.',
  });
  changes.addCallback((result) => {
    for (const { service, source } of channel.inspect()) {
      for (const [state, count] of source?.changes ?? []) {
        result.observe(count, { 'grpc.target': service, state });
      }
    }
  });
}

/** Of so many endpoints, over all services, is told what each gets: who calls more has a fleet, and no use for a line of each. */
const MAX_ENDPOINTS = 1_000;

/** Meters how calls are shared out: what each endpoint of each service that this process calls gets, and whether it is left out. */
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
      description: 'The calls that this process has sent to an instance.',
    }),
    weight: meter.createObservableGauge('rondo.balancer.weight', {
      unit: '1',
      description:
        "The share of a service's next calls that its weight gives an instance; none where weights don't decide.",
    }),
    inFlight: meter.createObservableGauge('rondo.balancer.calls_in_flight', {
      unit: '{call}',
      description: 'The calls that this process has under way at an instance.',
    }),
    ejected: meter.createObservableGauge('rondo.balancer.ejected', {
      description: '1 for an instance that is connected, but left out of the calls of one method or of all.',
    }),
  };
}

function endpointsOf(views: readonly ServiceView[]) {
  const all = views.flatMap(({ service, endpoints }) => endpoints.map((endpoint) => ({ service, endpoint })));
  return all.slice(0, MAX_ENDPOINTS);
}
