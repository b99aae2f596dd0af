import { type Clock, sleep } from '@rondo/rpc/clock';
import { RpcError } from '@rondo/rpc/status';
import type { Change } from './change.js';
import { explain, type RegistryConnection } from './connection.js';
import { WatchedState } from './watched-state.js';

/** How the registry is followed. */
export interface FollowOptions {
  /** A fully qualified service; empty for all. */
  readonly service: string;
  readonly clock: Clock;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

/** A change; of a registry that can't be reached, why. */
export type FollowedChange = Change & { readonly error?: RpcError };

const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2_000;

/**
 * Follows the registry until `signal` aborts: first the present state, then each change. Where the watch breaks it is
 * resumed, and told of once.
 */
export async function* follow(registry: RegistryConnection, options: FollowOptions): AsyncGenerator<FollowedChange> {
  const { service, clock, signal } = options;
  const state = new WatchedState();
  let lost = false;
  for (let failures = 0; !signal.aborted; failures += 1) {
    let failure: RpcError | undefined;
    state.forgetParts();
    try {
      const resumeFrom = state.position;
      const request = resumeFrom === undefined ? { service } : { service, resumeFrom };
      for await (const event of registry.client.watch(request, { signal })) {
        failures = 0;
        if (lost) yield { type: 'back' };
        lost = false;
        yield* state.apply(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      // What isn't the registry's being away is its answer: asking again would get the same.
      if (!(error instanceof RpcError) || !PASSING.has(error.codeName)) throw explain(registry.addresses, error);
      failure = error;
    }
    if (!lost) yield failure === undefined ? { type: 'lost' } : { type: 'lost', error: failure };
    lost = true;
    await pause(Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** failures), clock, signal);
  }
}

const PASSING: ReadonlySet<string> = new Set(['UNAVAILABLE', 'CANCELLED', 'INTERNAL', 'RESOURCE_EXHAUSTED', 'UNKNOWN']);

async function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, delayMs, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
