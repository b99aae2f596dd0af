import {
  ConformanceServiceDefinition,
  type FollowRequest,
  type FollowResponse,
} from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServerCall } from '../../src/exports/call.js';
import { type ClientCall, createChannel, createClient, staticResolver } from '../../src/exports/client.js';
import type { Middleware } from '../../src/exports/middleware.js';
import { createRouter } from '../../src/exports/server.js';
import { createMemoryNetwork, ManualClock } from '../../src/exports/testing.js';
import type { MemoryListener } from '../../src/transport/memory/network.js';
import { advanceUntilSettled } from './fleet.js';
import { conformanceService } from './service.js';

/** How an instance serves a followed stream. */
export type Follow = (
  request: FollowRequest,
  call: ServerCall,
) => AsyncIterable<Partial<FollowResponse>> | Iterable<Partial<FollowResponse>>;

const STEP_MS = 20;

/** Options of a stream in a test. */
export interface FollowersOptions {
  readonly random?: () => number;
  /** Runs around each call of the client. */
  readonly middleware?: readonly Middleware<ClientCall>[];
}

/** Instances whose streams a test writes, a client of them, and a manual clock. */
export function makeFollowers(
  names: readonly string[],
  follow: Follow,
  { random = () => 0.5, middleware = [] }: FollowersOptions = {},
) {
  const clock = new ManualClock();
  const network = createMemoryNetwork();
  const asked: { readonly instance: string; readonly token: string; readonly at: number }[] = [];
  const listeners = new Map<string, MemoryListener>();
  const origin = clock.now();

  function start(instance: string): void {
    const service = conformanceService({
      async *follow(request, call) {
        asked.push({ instance, token: request.resumeToken, at: clock.now() - origin });
        yield* follow(request, call);
      },
    });
    listeners.set(
      instance,
      network.listen(instance, createRouter({ services: [service], clock, instanceId: instance })),
    );
  }

  for (const name of names) start(name);
  const channel = createChannel({
    resolver: staticResolver(names),
    transport: network.transport,
    clock,
    // Random picks have no order: an instance to be left out would be tried again.
    balancing: { '*': { policy: 'random' } },
    random: { next: random, hex: (bytes) => '1'.repeat(2 * bytes) },
  });

  return {
    ...createClient(ConformanceServiceDefinition, { channel, middleware }),
    asked,
    channel,
    clock,
    start,
    settled: <T>(outcome: Promise<T>) => advanceUntilSettled(clock, outcome, STEP_MS),
    /** Stops it as a killed process does. */
    kill: (instance: string) => listeners.get(instance)?.close(),
    /** The instances that were called, in order. */
    instances: () => asked.map(({ instance }) => instance),
  };
}
