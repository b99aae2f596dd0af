import { createTraceState, isSpanContextValid, type TextMapPropagator, TraceFlags, trace } from '@opentelemetry/api';
import { validParent } from '@rondo/rpc/internal';

/** W3C asks to pass on as many characters as these. */
const MAX_STATE = 512;

/** Passes a trace on by `traceparent` and `tracestate`. Source: https://www.w3.org/TR/trace-context/ */
export const traceContext: TextMapPropagator = {
  fields: () => ['traceparent', 'tracestate'],
  inject(around, carrier, setter) {
    const from = trace.getSpanContext(around);
    if (from === undefined || !isSpanContextValid(from)) return;
    setter.set(carrier, 'traceparent', `00-${from.traceId}-${from.spanId}-0${from.traceFlags & TraceFlags.SAMPLED}`);
    const state = from.traceState?.serialize() ?? '';
    if (state !== '') setter.set(carrier, 'tracestate', state);
  },
  extract(around, carrier, getter) {
    const parent = validParent(getter.get(carrier, 'traceparent'));
    if (parent === undefined) return around;
    const [, traceId = '', spanId = '', flags = ''] = parent.split('-');
    const received = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
    const state = [getter.get(carrier, 'tracestate') ?? []].flat().join(',');
    const kept = state === '' || state.length > MAX_STATE ? {} : { traceState: createTraceState(state) };
    return trace.setSpanContext(around, { ...received, ...kept });
  },
};
