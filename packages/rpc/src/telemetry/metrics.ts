import type { Attributes, Meter } from '@opentelemetry/api';
import type { Clock } from '@rondo/base';
import type { Call } from '../call/call.js';
import type { Method } from '../contract/method.js';
import type { Middleware } from '../middleware/middleware.js';
import type { StatusName } from '../status/code.js';
import { withOutcome } from './call-outcome.js';

export interface MetricsOptions {
  readonly meter: Meter;
  readonly clock: Clock;
}

/** Bucket boundaries of the duration histograms, in seconds. Source: gRFC A66, without its finest boundaries. */
export const DURATION_BOUNDARIES: readonly number[] = [
  0.0001, 0.0003, 0.0006, 0.001, 0.003, 0.006, 0.01, 0.03, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** What a server is at fault for; the other codes say what the caller did wrong, or that the call was refused in time. */
const FAULTS_OF_SERVERS: ReadonlySet<StatusName> = new Set<StatusName>([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/**
 * Times the calls of one side: `rpc.server.call.duration` or `rpc.client.call.duration`, by `rpc.method` and
 * `rpc.response.status_code`. `error.type` marks what counts as an error of that side.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
 */
export function callMetrics<C extends Call>(side: 'client' | 'server', options: MetricsOptions): Middleware<C> {
  const { meter, clock } = options;
  const duration = meter.createHistogram(`rpc.${side}.call.duration`, {
    unit: 's',
    description:
      'How long calls took, from their start to the end of their last message, by method and status. With error.type if the callee is at fault.',
    advice: { explicitBucketBoundaries: [...DURATION_BOUNDARIES] },
  });
  const isError = (code: StatusName) => (side === 'client' ? code !== 'OK' : FAULTS_OF_SERVERS.has(code));
  const labels = cachedLabels(isError);
  return (call, next) =>
    withOutcome(call, next, {
      clock,
      onEnd: ({ code, durationMs }) => duration.record(durationMs / 1000, labels(call.method, code)),
    });
}

/** The labels of each method and code, made once. */
function cachedLabels(isError: (code: StatusName) => boolean): (method: Method, code: StatusName) => Attributes {
  const known = new WeakMap<Method, Map<StatusName, Attributes>>();
  return (method, code) => {
    const ofMethod = known.get(method) ?? new Map<StatusName, Attributes>();
    known.set(method, ofMethod);
    const kept = ofMethod.get(code);
    if (kept !== undefined) return kept;
    const all = { 'rpc.system.name': 'grpc', 'rpc.method': method.path.slice(1), 'rpc.response.status_code': code };
    const labels = isError(code) ? { ...all, 'error.type': code } : all;
    ofMethod.set(code, labels);
    return labels;
  };
}
