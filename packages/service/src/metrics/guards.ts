import type { BatchObservableResult, Meter } from '@opentelemetry/api';
import type { BreakerView, ServiceView } from '@rondo/rpc/internal';

/** The values of `rondo.breaker.state`. */
const STATES: Readonly<Record<BreakerView['state'], number>> = { closed: 0, half_open: 1, open: 2 };

/** What tells the guards of a process: its channel. */
interface Guarded {
  inspect(): readonly Pick<ServiceView, 'guards'>[];
}

/** Meters the breakers and bulkheads of this process, by the methods that it calls. */
export function meterGuards(meter: Meter, channel: Guarded): void {
  const instruments = createInstruments(meter);
  const observe = (result: BatchObservableResult) => {
    for (const { guards } of channel.inspect()) {
      for (const { path, breaker, bulkhead } of guards) {
        const labels = { 'rpc.method': path.slice(1) };
        if (breaker !== undefined) {
          result.observe(instruments.state, STATES[breaker.state], labels);
          result.observe(instruments.openings, breaker.openings, labels);
          result.observe(instruments.refusals, breaker.refused, labels);
        }
        if (bulkhead !== undefined) {
          result.observe(instruments.inFlight, bulkhead.inFlight, labels);
          result.observe(instruments.queued, bulkhead.queued, labels);
          result.observe(instruments.bulkheadRefusals, bulkhead.refused, labels);
        }
      }
    }
  };
  meter.addBatchObservableCallback(observe, Object.values(instruments));
}

function createInstruments(meter: Meter) {
  return {
    state: meter.createObservableGauge('rondo.breaker.state', {
      description:
        "The state of a method's circuit breaker: 0 closed, 1 half open, 2 open. Set an alert if it stays above 0.",
    }),
    openings: meter.createObservableCounter('rondo.breaker.openings', {
      unit: '{opening}',
      description: "How often a method's circuit breaker has opened.",
    }),
    refusals: meter.createObservableCounter('rondo.breaker.refusals', {
      unit: '{call}',
      description: 'The calls that an open circuit breaker has refused.',
    }),
    inFlight: meter.createObservableGauge('rondo.bulkhead.calls_in_flight', {
      unit: '{call}',
      description: 'The calls of this process in flight within a bulkhead.',
    }),
    queued: meter.createObservableGauge('rondo.bulkhead.calls_queued', {
      unit: '{call}',
      description: 'The calls of this process that wait in the queue of a bulkhead.',
    }),
    bulkheadRefusals: meter.createObservableCounter('rondo.bulkhead.refusals', {
      unit: '{call}',
      description: 'The calls that a bulkhead has refused.',
    }),
  };
}
