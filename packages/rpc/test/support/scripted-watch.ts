import {
  type Instance,
  InstanceStatus,
  type RemovalReason,
  type WatchRequest,
  type WatchResponse,
  WatchResponse as WatchResponseType,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { Resolution, ResolverListener } from '../../src/resolver/resolver.js';
import type { Watch } from '../../src/resolver/watch-client.js';
import { deferred } from './wait.js';

type Event = Parameters<typeof WatchResponseType.fromPartial>[0];
type Step = { readonly event: Event } | { readonly error: Error } | { readonly end: true };

/** A registry watch that a test scripts, one stream after another. */
export function scriptedWatch() {
  const requests: Partial<WatchRequest>[] = [];
  const steps: Step[] = [];
  let wake = deferred();

  async function* stream(signal: AbortSignal): AsyncGenerator<WatchResponse> {
    const onAbort = () => wake.resolve();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        const step = steps.shift();
        signal.throwIfAborted();
        if (step === undefined) {
          await wake.promise;
          wake = deferred();
        } else if ('event' in step) yield WatchResponseType.fromPartial(step.event);
        else if ('error' in step) throw step.error;
        else return;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
  const watch: Watch = (request, { signal }) => {
    requests.push(request);
    return stream(signal);
  };
  const say = async (step: Step) => {
    steps.push(step);
    wake.resolve();
    await settled();
  };
  return {
    watch,
    requests,
    event: (event: Event) => say({ event }),
    fail: (message: string) => say({ error: new Error(message) }),
    end: () => say({ end: true }),
  };
}

/** The position of an event: its revision, in one of the registry's lives. */
export const at = (revision: bigint, epoch = 1n) => ({ epoch, revision });

/** The events of a watch: all instances, or the first of them; those that came and left; and none. */
export const snapshot = (names: readonly string[], more = false) =>
  ({ $case: 'snapshot', value: { instances: instances(...names), more } }) as const;
export const delta = (upserts: readonly string[], removals: readonly (readonly [string, RemovalReason])[] = []) =>
  ({
    $case: 'delta',
    value: {
      upserts: instances(...upserts),
      removals: removals.map(([instanceId, reason]) => ({ instanceId, reason })),
    },
  }) as const;
export const progress = { $case: 'progress', value: {} } as const;

/** Lets settled promises run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Records what a resolver reports. */
export function recordingListener() {
  const resolutions: Resolution[] = [];
  const failures: string[] = [];
  let pending = 0;
  const listener: ResolverListener = {
    onResolution: (resolution) => resolutions.push(resolution),
    onFailure: (reason) => failures.push(reason),
    onPending: () => {
      pending += 1;
    },
  };
  const names = () => resolutions.at(-1)?.endpoints.map(({ instanceId }) => instanceId);
  return { listener, resolutions, failures, names, pending: () => pending };
}

/** Serving instances at addresses by their names. */
export function instances(...names: readonly string[]): Partial<Instance>[] {
  const status = InstanceStatus.INSTANCE_STATUS_SERVING;
  return names.map((instanceId) => ({ instanceId, endpoints: [endpointAt(`${instanceId}:1`)], status }));
}

function endpointAt(address: string) {
  return { address, protocols: [], security: 0, minPingInterval: undefined };
}
