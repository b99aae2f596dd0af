import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import type { Channel, ServiceView } from '@rondo/rpc/client';

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
