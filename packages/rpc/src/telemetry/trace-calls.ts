import { trace } from '@opentelemetry/api';
import { systemRandom } from '@rondo/base';
import { installTracing, tracing } from '../call/trace.js';
import { Spans } from './spans.js';
import { traceRelays, traceStatements } from './statement-spans.js';

/**
 * From now on each call of this process has a span, and so have statements to a database of `@rondo/database` and steps of
 * transactions within a call. The spans go to the tracer provider that is registered with `@opentelemetry/api`. A second call is for a provider
 * that has replaced the first.
 *
 * @param options.plain the process passes traces on by W3C's headers alone, and has {@link createContextManager}'s context manager: a call that
 * isn't recorded then costs next to nothing.
 */
export function traceCalls({ plain = false }: { readonly plain?: boolean } = {}): void {
  const first = tracing() === undefined;
  installTracing(new Spans(tracer(), systemRandom, plain));
  if (!first) return;
  traceStatements(tracer);
  traceRelays(tracer);
}

const tracer = () => trace.getTracer('@rondo/rpc');
