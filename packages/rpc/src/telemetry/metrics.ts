import type { Meter } from '@opentelemetry/api';
import type { Call } from '../call/call.js';
import type { Clock } from '../clock/clock.js';
import type { Middleware } from '../middleware/middleware.js';
import { withOutcome } from './call-outcome.js';

/** Options of {@link callMetrics}. */
export interface MetricsOptions {
  readonly meter: Meter;
  readonly clock: Clock;
}

/** Bucket boundaries of the duration histograms, in seconds. Source: gRFC A66, without its finest boundaries. */
export const DURATION_BOUNDARIES: readonly number[] = [
  0.0001, 0.0003, 0.0006, 0.001, 0.003, 0.006, 0.01, 0.03, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/**
 * Counts and times the calls of one side: `grpc.server.call.started`, `grpc.server.call.duration` and likewise for
 * `client`, by `grpc.method` and `grpc.status`. Source: gRFC A66, https://github.com/grpc/proposal
 */
export function callMetrics<C extends Call>(side: 'client' | 'server', options: MetricsOptions): Middleware<C> {
  const { meter, clock } = options;
  const started = meter.createCounter(`grpc.${side}.call.started`, {
    unit: '{call}',
    description: 'Calls that began, whether they have ended or not, by method.',
  });
  const duration = meter.createHistogram(`grpc.${side}.call.duration`, {
    unit: 's',
    description: 'How long calls took, from their start to the end of their last message, by method and status.',
    advice: { explicitBucketBoundaries: [...DURATION_BOUNDARIES] },
  });
  return (call, next) => {
    const method = call.method.path.slice(1);
    started.add(1, { 'grpc.method': method });
    return withOutcome(call, next, {
      clock,
      onEnd: ({ code, durationMs }) =>
        duration.record(durationMs / 1000, { 'grpc.method': method, 'grpc.status': code }),
    });
  };
}
