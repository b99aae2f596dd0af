import { systemRandom } from '@rondo/base';

let given: string | undefined;

/**
 * Makes the ids of spans, for OpenTelemetry's SDK. A trace that begins at a call of a process which doesn't trace gets the id that the logs of
 * that process have; the sampler decides as for any trace that begins.
 */
export function createIdGenerator(): { generateTraceId(): string; generateSpanId(): string } {
  return { generateTraceId: () => given ?? systemRandom.hex(16), generateSpanId: () => systemRandom.hex(8) };
}

/** Runs `start`, in which a trace that begins gets this id. */
export function withTraceId<T>(traceId: string | undefined, start: () => T): T {
  given = traceId;
  try {
    return start();
  } finally {
    given = undefined;
  }
}
