import { type ContextManager, context, propagation, SpanKind, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  type IdGenerator,
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/**
 * An SDK that keeps all spans of this test file in memory. `sample` says whether a trace that begins is sampled.
 *
 * @param traceCalls that of the package under test, or of its build.
 */
export function recordSpans(traceCalls: () => void, sample: () => boolean = () => true, idGenerator?: IdGenerator) {
  const exporter = new InMemorySpanExporter();
  const root: Sampler = {
    shouldSample: () => ({ decision: sample() ? 2 : 0 }),
    toString: () => 'as the test says',
  };
  const sampler = new ParentBasedSampler({ root });
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors, sampler, ...(idGenerator && { idGenerator }) }),
  );
  const keepContext = (given: ContextManager) => {
    context.disable();
    context.setGlobalContextManager(given.enable());
  };
  keepContext(new AsyncLocalStorageContextManager());
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  traceCalls();
  /** The spans that have ended since the last call. */
  const take = (): readonly ReadableSpan[] => {
    const spans = exporter.getFinishedSpans();
    exporter.reset();
    return spans;
  };
  return { take, keepContext, spans: () => exporter.getFinishedSpans().length, tracer: trace.getTracer('test') };
}

/** Spans as lines, in the order in which they began, each below its parent: the kind, the end of the name, and how it ended. */
export function treeOf(spans: readonly ReadableSpan[]): readonly string[] {
  const ids = new Set(spans.map((span) => span.spanContext().spanId));
  const below = (parent: string | undefined, indent: string): string[] =>
    [...spans]
      .filter(({ parentSpanContext }) => {
        const id = parentSpanContext?.spanId;
        return parent === undefined ? id === undefined || !ids.has(id) : id === parent;
      })
      .sort((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
      .flatMap((span) => [indent + lineOf(span, ids), ...below(span.spanContext().spanId, `${indent}  `)]);
  return below(undefined, '');
}

function lineOf({ kind, name, attributes, parentSpanContext, links }: ReadableSpan, ids: ReadonlySet<string>): string {
  const end = attributes['rpc.response.status_code'];
  const parent = parentSpanContext !== undefined && !ids.has(parentSpanContext.spanId) ? ' of another' : '';
  return (
    [
      SpanKind[kind].toLowerCase(),
      name.slice(name.lastIndexOf('/') + 1),
      ...(end === undefined ? [] : [end]),
      ...links.map(({ context: linked }) => (ids.has(linked.spanId) ? 'linked' : 'linked to another')),
    ].join(' ') + parent
  );
}
