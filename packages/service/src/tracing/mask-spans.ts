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
  const parts = {
    name: mask(span.name),
    status: maskTexts(span.status, mask),
    attributes: maskTexts(span.attributes, mask),
    events: maskEach(span.events, mask),
    links: maskEach(span.links, mask),
  };
  const changed = Object.entries(parts).filter(([key, value]) => value !== Reflect.get(span, key));
  if (changed.length === 0) return span;
  return Object.create(span, Object.fromEntries(changed.map(([key, value]) => [key, { value }])));
}

/** Events and links: their own texts, and those of their attributes. The list itself if there is no secret. */
function maskEach<T extends { readonly attributes?: Attributes }>(list: readonly T[], mask: Mask): readonly T[] {
  const own = list.map((item) => {
    const attributes = item.attributes && maskTexts(item.attributes, mask);
    const texts = maskTexts(item, mask);
    return attributes === item.attributes ? texts : { ...texts, attributes };
  });
  return own.every((item, index) => item === list[index]) ? list : own;
}

/** An object without the secrets of its texts, and of its lists of texts. The object itself if there are none. */
function maskTexts<T extends object>(object: T, mask: Mask): T {
  const changed = Object.entries(object).flatMap(([key, value]) => {
    const own = Array.isArray(value) ? maskList(value, mask) : typeof value === 'string' ? mask(value) : value;
    return own === value ? [] : [[key, own] as const];
  });
  return changed.length === 0 ? object : { ...object, ...Object.fromEntries(changed) };
}

function maskList(list: readonly unknown[], mask: Mask): readonly unknown[] {
  const own = list.map((item) => (typeof item === 'string' ? mask(item) : item));
  return own.every((item, index) => item === list[index]) ? list : own;
}
