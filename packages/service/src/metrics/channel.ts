import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import type { ServiceView } from '@rondo/rpc/internal';

/** The values of `rondo.breaker.state`. */
type BreakerState = NonNullable<ServiceView['guards'][number]['breaker']>['state'];

const STATES: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };
/** How many endpoints, over all services, get metrics of their own. It bounds the series of a process that calls a large fleet. */
const MAX_ENDPOINTS = 1_000;

/** What tells of a process's calls: its channel. */
interface Channel {
  inspect(): readonly Pick<ServiceView, 'service' | 'source' | 'endpoints' | 'guards'>[];
}

type Called = ReturnType<Channel['inspect']>[number];

/** Meters what a channel calls: discovery, balancing, breakers and bulkheads. */
export function meterChannel(meter: Meter, channel: Channel): void {
  const observers = [meterDiscovery(meter), meterGuards(meter)];
  const observeEndpoint = meterBalancing(meter);
  meter.addBatchObservableCallback((result) => {
    let endpoints = 0;
    for (const called of channel.inspect()) {
      for (const observe of observers) observe(result, called);
      for (const endpoint of called.endpoints.slice(0, MAX_ENDPOINTS - endpoints))
        observeEndpoint(result, called, endpoint);
      endpoints = Math.min(MAX_ENDPOINTS, endpoints + called.endpoints.length);
    }
  }, []);
}

/** The endpoints of each called service by connection state, and the state of its list of endpoints against the registry. */
function meterDiscovery(meter: Meter) {
  const endpoints = meter.createObservableGauge('rondo.discovery.endpoints', {
    unit: '{endpoint}',
    description: 'The known endpoints of a service that this process calls, by connection state.',
  });
  const states = meter.createObservableGauge('rondo.discovery.registry.state', {
    unit: '{service}',
    description:
      "Always 1. The label is the state of a service's endpoint list against the registry; the reference of configuration has the states.",
  });
  const changes = meter.createObservableCounter('rondo.discovery.registry.changes', {
    unit: '{change}',
    description: "How often a service's endpoint list entered this state against the registry.",
  });
  return (result: BatchObservableResult, { service, source, endpoints: known }: Called) => {
    const labels = (state: string) => ({ 'grpc.target': service, state });
    const counts = new Map<string, number>();
    for (const { state } of known) counts.set(state, (counts.get(state) ?? 0) + 1);
    // A service without endpoints gets a zero, so that an alert can match it.
    if (counts.size === 0) counts.set('ready', 0);
    for (const [state, count] of counts) result.observe(endpoints, count, labels(state));
    if (source !== undefined) result.observe(states, 1, labels(source.state));
    for (const [state, count] of source?.changes ?? []) result.observe(changes, count, labels(state));
  };
}

/** The calls, weight and ejection of each endpoint that this process calls. */
function meterBalancing(meter: Meter) {
  const picks = meter.createObservableCounter('rondo.balancer.picks', {
    unit: '{call}',
    description:
      'The calls that this process has sent to an instance, by service and instance. At most 1,000 instances have metrics of their own.',
  });
  const weight = meter.createObservableGauge('rondo.balancer.weight', {
    unit: '1',
    description:
      "The share of a service's next calls that an instance gets by its weight; absent if the policy ignores weights.",
  });
  const inFlight = meter.createObservableGauge('rondo.balancer.calls_in_flight', {
    unit: '{call}',
    description: 'The calls of this process in flight at an instance.',
  });
  const ejected = meter.createObservableGauge('rondo.balancer.ejected', {
    description:
      '1 for an instance that is connected but gets no calls of a method or of all methods: ejected, set aside or unhealthy. Set an alert if it stays 1.',
  });
  return (result: BatchObservableResult, { service }: Called, endpoint: Called['endpoints'][number]) => {
    const labels = { 'grpc.target': service, 'rondo.instance': endpoint.instanceId };
    result.observe(picks, endpoint.picks, labels);
    result.observe(inFlight, endpoint.inFlight, labels);
    result.observe(ejected, endpoint.leftOut ? 1 : 0, labels);
    if (endpoint.share !== undefined) result.observe(weight, endpoint.share, labels);
  };
}

/** The breakers and bulkheads of this process, by the methods that it calls. */
function meterGuards(meter: Meter) {
  const state = meter.createObservableGauge('rondo.breaker.state', {
    description:
      "The state of a method's circuit breaker: 0 closed, 1 half open, 2 open. Set an alert if it stays above 0.",
  });
  const openings = meter.createObservableCounter('rondo.breaker.openings', {
    unit: '{opening}',
    description: "How often a method's circuit breaker has opened.",
  });
  const refusals = meter.createObservableCounter('rondo.breaker.refusals', {
    unit: '{call}',
    description: 'The calls that an open circuit breaker has refused.',
  });
  const inFlight = meter.createObservableGauge('rondo.bulkhead.calls_in_flight', {
    unit: '{call}',
    description: 'The calls of this process in flight within a bulkhead.',
  });
  const queued = meter.createObservableGauge('rondo.bulkhead.calls_queued', {
    unit: '{call}',
    description: 'The calls of this process that wait in the queue of a bulkhead.',
  });
  const bulkheadRefusals = meter.createObservableCounter('rondo.bulkhead.refusals', {
    unit: '{call}',
    description: 'The calls that a bulkhead has refused.',
  });
  return (result: BatchObservableResult, { guards }: Called) => {
    for (const { path, breaker, bulkhead } of guards) {
      const labels = { 'rpc.method': path.slice(1) };
      if (breaker !== undefined) {
        result.observe(state, STATES[breaker.state], labels);
        result.observe(openings, breaker.openings, labels);
        result.observe(refusals, breaker.refused, labels);
      }
      if (bulkhead !== undefined) {
        result.observe(inFlight, bulkhead.inFlight, labels);
        result.observe(queued, bulkhead.queued, labels);
        result.observe(bulkheadRefusals, bulkhead.refused, labels);
      }
    }
  };
}
