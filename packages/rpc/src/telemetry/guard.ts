import { diag } from '@opentelemetry/api';

/** What `work` gives; `otherwise` if it throws. No call fails because a user's sampler, processor or propagator does. */
export function guard<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch (error) {
    diag.error('@rondo/rpc: a span is lost, or a part of it', error);
    return otherwise;
  }
}
