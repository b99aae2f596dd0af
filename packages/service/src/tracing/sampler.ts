import { type SpanContext, TraceFlags } from '@opentelemetry/api';
import type { Environment } from '../config/variables.js';

/** Whether a span with this trace id is recorded. `parent` is undefined if the trace begins with it. */
export type Sampler = (traceId: string, parent: SpanContext | undefined) => boolean;

const NAME = /^(?<parentBased>parentbased_)?(?<root>always_on|always_off|traceidratio)$/;

/** The sampler that `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG` describe; what they say wrong goes to `warn`. */
export function samplerOf(environment: Environment, warn: (text: string) => void): Sampler {
  const name = environment['OTEL_TRACES_SAMPLER']?.trim() || 'parentbased_always_on';
  const { parentBased, root } = NAME.exec(name)?.groups ?? { parentBased: 'parentbased_' };
  if (root === undefined) warn(`OTEL_TRACES_SAMPLER value "${name}" invalid: parentbased_always_on is used`);
  const share = root === 'traceidratio' ? shareOf(environment, warn) : root === 'always_off' ? 0 : 1;
  const below = share * 2 ** 32;
  return (traceId, parent) =>
    parent !== undefined && parentBased !== undefined
      ? (parent.traceFlags & TraceFlags.SAMPLED) !== 0
      : Number.parseInt(traceId.slice(-8), 16) < below;
}

function shareOf(environment: Environment, warn: (text: string) => void): number {
  const text = environment['OTEL_TRACES_SAMPLER_ARG']?.trim() ?? '';
  const share = text === '' ? Number.NaN : Number(text);
  if (share >= 0 && share <= 1) return share;
  warn(`OTEL_TRACES_SAMPLER_ARG value "${text}" invalid: give 0 to 1; all traces are sampled`);
  return 1;
}
