import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import { createMask } from '../config/secrets.js';

/** `exporter`, for spans without the secrets of the process. Rondo writes none; this is for texts that libraries and services make. */
export function maskSpans(exporter: SpanExporter, secrets: readonly string[]): SpanExporter {
  if (secrets.length === 0) return exporter;
  const mask = createMask(secrets);
  return {
    export: (spans, done) =>
      exporter.export(
        spans.map((span) => masked(span, mask)),
        done,
      ),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

type Mask = (text: string) => string;

/** The span itself, unless it holds a secret. */
function masked(span: ReadableSpan, mask: Mask): ReadableSpan {
  const name = mask(span.name);
  const message = span.status.message === undefined ? undefined : mask(span.status.message);
  const attributes = maskAttributes(span.attributes, mask);
  const events = span.events.map((event) => {
    const own = event.attributes && maskAttributes(event.attributes, mask);
    return own === event.attributes ? event : { ...event, ...(own && { attributes: own }) };
  });
  const same =
    name === span.name &&
    message === span.status.message &&
    attributes === span.attributes &&
    events.every((event, index) => event === span.events[index]);
  if (same) return span;
  const status = { ...span.status, ...(message !== undefined && { message }) };
  return Object.create(span, {
    name: { value: name },
    status: { value: status },
    attributes: { value: attributes },
    events: { value: events },
  });
}

function maskAttributes(attributes: Attributes, mask: Mask): Attributes {
  let changed = false;
  const entries = Object.entries(attributes).map(([key, value]) => {
    const own = typeof value === 'string' ? mask(value) : value;
    changed ||= own !== value;
    return [key, own] as const;
  });
  return changed ? Object.fromEntries(entries) : attributes;
}
