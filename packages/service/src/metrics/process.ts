import type { Meter } from '@opentelemetry/api';
import type { Channel } from '@rondo/rpc/client';

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
