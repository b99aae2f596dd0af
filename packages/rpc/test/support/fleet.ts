import { afterEach } from '@jest/globals';
import { ConformanceServiceDefinition, type UnaryRequest } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServerCall } from '../../src/exports/call.js';
import { type Channel, createChannel, createClient } from '../../src/exports/client.js';
import { sleep } from '../../src/exports/clock.js';
import { createRouter } from '../../src/exports/server.js';
import { createFaultNetwork, ManualClock, seededRandom } from '../../src/exports/testing.js';
import type { Endpoint, ResolverListener } from '../../src/resolver/resolver.js';
import { endpoint } from './endpoints.js';
import { conformanceService } from './service.js';

/** How one instance of a fleet handles a call. */
export interface Work {
  /** How long it takes. Milliseconds. */
  readonly workMs?: number;
  /** Runs at its end, and may throw. */
  readonly answer?: (request: UnaryRequest, call: ServerCall) => void;
}

/** The calls that an instance has started. */
export interface Begun {
  readonly instance: string;
  readonly text: string;
  readonly call: ServerCall;
}

const STEP_MS = 5;
const MAX_STEPS = 20_000;

/** Advances the clock, so much at a time, until `outcome` is settled. */
export async function advanceUntilSettled<T>(clock: ManualClock, outcome: Promise<T>, stepMs: number): Promise<T> {
  let done = false;
  const end = () => {
    done = true;
  };
  outcome.then(end, end);
  for (let step = 0; !done && step < MAX_STEPS; step += 1) await clock.advance(stepMs);
  if (!done) throw new Error(`not settled within ${stepMs * MAX_STEPS} ms`);
  return outcome;
}

/** Instances of the conformance service in a fault network, a client of them, and a manual clock. */
export function makeFleet(names: readonly string[], work: Readonly<Record<string, Work>> = {}) {
  const clock = new ManualClock();
  const network = createFaultNetwork({ clock });
  const begun: Begun[] = [];
  const inFlight = new Map<string, number>();
  const mostInFlight = new Map<string, number>();
  let listener: ResolverListener | undefined;
  let known: readonly (string | Endpoint)[] = names;

  async function serve(instance: string, request: UnaryRequest, call: ServerCall) {
    begun.push({ instance, text: request.text, call });
    const now = (inFlight.get(instance) ?? 0) + 1;
    inFlight.set(instance, now);
    mostInFlight.set(instance, Math.max(now, mostInFlight.get(instance) ?? 0));
    const { workMs = 10, answer } = work[instance] ?? {};
    try {
      await sleep(network.node(instance).clock, workMs, call.signal);
      answer?.(request, call);
    } finally {
      inFlight.set(instance, (inFlight.get(instance) ?? 0) - 1);
    }
    return { text: `${request.text} by ${instance}` };
  }

  function start(instance: string): void {
    const node = network.node(instance);
    const service = conformanceService({
      unary: (request, call) => serve(instance, request, call),
      async unaryUnsafe(_request, call) {
        await serve(instance, { text: 'unsafe', payload: Buffer.alloc(0), behaviour: undefined }, call);
        return {};
      },
    });
    node.listen(`${instance}:1`, createRouter({ services: [service], clock: node.clock }));
  }

  function list(...instances: readonly (string | Endpoint)[]): void {
    known = instances;
    const endpoints = known.map((one) => (typeof one === 'string' ? endpoint(one) : one));
    listener?.onResolution({ endpoints, departed: [] });
  }

  for (const name of names) start(name);
  const channel: Channel = createChannel({
    resolver: {
      source: 'the registry at r:1',
      resolve(_service, ours) {
        listener = ours;
        list(...known);
        return { close() {} };
      },
      close() {},
    },
    transport: network.node('client').transport,
    clock: network.node('client').clock,
    random: seededRandom(1),
  });
  const client = createClient(ConformanceServiceDefinition, { channel });

  const settled = <T>(outcome: Promise<T>) => advanceUntilSettled(clock, outcome, STEP_MS);

  return { clock, network, channel, client, begun, mostInFlight, start, list, settled };
}

/** Opens fleets, each with its client's methods. The last one is closed after each test of the file. */
export function fleetsOfATest() {
  let fleet: ReturnType<typeof makeFleet> | undefined;
  afterEach(() => fleet?.channel.close());
  return (names: readonly string[], work?: Readonly<Record<string, Work>>) => {
    fleet = makeFleet(names, work);
    return { ...fleet, ...fleet.client };
  };
}

/** A request for each of this many parts. */
export function requestsFor(count: number): readonly { readonly text: string }[] {
  return Array.from({ length: count }, (_, index) => ({ text: `part ${index}` }));
}

/** The number of items of each value. */
export function tally(items: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[item ?? 'nobody'] = (counts[item ?? 'nobody'] ?? 0) + 1;
  return counts;
}
