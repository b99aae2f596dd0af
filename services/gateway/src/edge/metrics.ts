import type { Clock } from '@rondo/rpc/clock';
import type { ServiceContext } from '@rondo/service';
import type { HttpExchange } from '../listener/exchange.js';
import { attributesOf } from './request-id.js';

/** In seconds, as the conventions recommend. */
const BOUNDARIES: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Times each request by its method, status and route: `http.server.request.duration`. A route is a method or a template of a
 * contract, never a path, so that no client adds series.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
 */
export function createRequestMetrics(
  meter: ServiceContext['meter'] | undefined,
  clock: Pick<Clock, 'now'>,
): (exchange: HttpExchange) => void {
  if (meter === undefined) return () => undefined;
  const duration = meter.createHistogram('http.server.request.duration', {
    unit: 's',
    description:
      "How long the gateway's requests took, by HTTP method, status and route. error.type is left if the client went away.",
    advice: { explicitBucketBoundaries: [...BOUNDARIES] },
  });
  return (exchange) => {
    const startedAt = clock.now();
    exchange.onClose((left) => {
      const { status } = exchange;
      const error = left ? 'left' : status >= 500 ? `${status}` : undefined;
      duration.record((clock.now() - startedAt) / 1_000, {
        ...attributesOf(exchange),
        ...(error !== undefined && { 'error.type': error }),
      });
    });
  };
}
