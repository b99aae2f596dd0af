import type { Attributes, Counter, Meter, MeterProvider } from '@opentelemetry/api';
import type { Logger } from '@rondo/rpc/call';

/** The SDK's own counter of spans that have been sent or lost. */
const PROCESSED = 'otel.sdk.processor.span.processed';

/**
 * A meter provider for the SDK's metrics of itself, which the process's metrics then have. A loss of spans is also a line in the log, and
 * its end another one: a collector that is away for an hour makes two.
 */
export function meterLosses(meter: Meter, log: Logger): MeterProvider {
  let lost = 0;
  const note = (count: number, { 'error.type': reason }: Attributes): void => {
    if (reason !== undefined) {
      if (lost === 0) log.warn({ reason, lost: count }, 'spans are lost: look at the collector, or sample less');
      lost += count;
    } else if (lost > 0) {
      log.info({ lost }, 'spans are sent again');
      lost = 0;
    }
  };
  const own: Meter = Object.create(meter, {
    createCounter: {
      value: (...given: Parameters<Meter['createCounter']>): Counter => {
        const counter = meter.createCounter(...given);
        if (given[0] !== PROCESSED) return counter;
        return {
          add(count, attributes = {}, around) {
            counter.add(count, attributes, around);
            note(count, attributes);
          },
        };
      },
    },
  });
  return { getMeter: () => own };
}
