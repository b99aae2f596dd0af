import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { FinishedSpan } from './tracer.js';

/** Takes the process's secrets out of a span. Rondo writes none; this is for texts that libraries and services make. */
export function hideSecrets(span: FinishedSpan, hide: (text: string) => string): void {
  const { message } = span.status;
  span.name = hide(span.name);
  if (message !== undefined) span.status.message = hide(message);
  for (const event of span.events) event.name = hide(event.name);
  for (const { attributes = {} } of [span, ...span.events, ...span.links]) hideIn(attributes, hide);
}

function hideIn(attributes: Attributes, hide: (text: string) => string): void {
  const hidden = <T>(value: T): T | string => (typeof value === 'string' ? hide(value) : value);
  for (const [key, value] of Object.entries(attributes))
    attributes[key] = Array.isArray(value) ? (value.map(hidden) as AttributeValue) : hidden(value);
}
