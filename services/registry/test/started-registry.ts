import {
  type Instance,
  InstanceStatus,
  Protocol,
  RegistryServiceDefinition,
  Security,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { silentLogger } from '@rondo/rpc/call';
import { createClient } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { createTestChannel, ManualClock, seededRandom, stopParts } from '@rondo/rpc/testing';
import { createApp } from '../src/app.js';
import type { StoreMeter } from '../src/metrics.js';
import type { StoreLocation } from '../src/store-location.js';

/** Bounds that a test can reach. */
const LIMITS = { instances: 100, services: 10, cordoned: 100, watches: 4 };

interface Started extends Partial<typeof LIMITS> {
  readonly warmingMs?: number;
  readonly system?: string;
  /** Memory with the bounds above by default. */
  readonly store?: StoreLocation;
}
export const SALES = 'sales.v1.OrderService';
/** The secret that proves that a repeated registration is of the same process. */
export const SECRET = Buffer.alloc(32, 7);

const stops: (() => Promise<void> | void)[] = [];

/** Stops every registry that {@link start} has started. */
export async function stopAll(): Promise<void> {
  for (const stop of stops.splice(0)) await stop();
}

/** Starts a registry and a client of it, with a clock that the test moves. */
export function start(
  { warmingMs = 0, system = '', store, ...limits }: Started = {},
  log = silentLogger,
  mayServe: (identity: string, service: string) => boolean = () => true,
) {
  const clock = new ManualClock();
  const random = seededRandom(1);
  const { meter, measured } = readableMeter();
  const memory = { kind: 'memory' as const, limits: { ...LIMITS, ...limits }, warmingMs };
  const context = { clock, wallClock: clock.wall, random, log, meter, mayServe };
  const app = createApp(context, { store: store ?? memory, system });
  const channel = createTestChannel({ services: app.services, clock, random });
  stops.push(
    () => stopParts(app),
    () => channel.close(),
  );
  return { registry: createClient(RegistryServiceDefinition, { channel }), clock, app, measured };
}

/** A meter whose observable instruments can be read. */
function readableMeter(): { readonly meter: StoreMeter; measured(): Readonly<Record<string, number>> } {
  const reads: ((values: Record<string, number>) => void)[] = [];
  const create: StoreMeter['createObservableGauge'] = (name) => ({
    addCallback: (callback) =>
      void reads.push((values) =>
        callback({
          observe: (value, attributes) =>
            Object.assign(values, { [[name, ...Object.values(attributes ?? {})].join(' ')]: value }),
        }),
      ),
    removeCallback: () => undefined,
  });
  const measured = () => {
    const values: Record<string, number> = {};
    for (const read of reads) read(values);
    return values;
  };
  return { meter: { createObservableGauge: create, createObservableCounter: create }, measured };
}

/** A valid instance. */
export function sales(part: Partial<Instance> = {}) {
  return {
    instanceId: 'sales-1',
    incarnation: 1n,
    endpoints: [
      { address: '127.0.0.1:50053', protocols: [Protocol.PROTOCOL_GRPC], security: Security.SECURITY_PLAINTEXT },
    ],
    services: [SALES],
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
    ...part,
  };
}

/** The error that a call is refused with. */
export async function refusal(call: Promise<unknown>): Promise<RpcError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RpcError)) throw new Error(`expected an RpcError, got ${String(error)}`);
  return error;
}
