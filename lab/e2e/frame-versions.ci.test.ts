/** Replicas with frames and without, restarted one by one under load: no call fails, and none is done twice. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { eventually, startRegistry } from '@rondo/harness';
import { Metadata } from '@rondo/rpc/call';
import { type Client, createClient, createRegistryChannel } from '@rondo/rpc/client';
import { sleep, systemClock } from '@rondo/rpc/clock';
import { standIn } from '@rondo/rpc/testing';
import { type RunningService, startService } from '@rondo/service';
import { patientClock } from '../../packages/rpc/test/support/patient-clock.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

type Way = 'frames' | 'grpc';
type Calls = Record<Way, number>;

/** What the replicas have done: how often each unsafe call, and how many calls came each way. */
const done = new Map<string, number>();
const ways: Calls = { frames: 0, grpc: 0 };

/** How long a call takes, so that some are always in flight. */
const CALL_MS = 20;

const handlers = standIn(ConformanceServiceDefinition, {
  async unary() {
    await sleep(systemClock, CALL_MS);
    return {};
  },
  async unaryUnsafe(_request, { metadata }) {
    const id = metadata.get('id') ?? '';
    done.set(id, (done.get(id) ?? 0) + 1);
    // Only a gRPC call has HTTP's headers.
    ways[metadata.has('user-agent') ? 'grpc' : 'frames'] += 1;
    await sleep(systemClock, CALL_MS);
    return {};
  },
});

async function startReplica(registry: string, transport: Way): Promise<RunningService> {
  const service = await startService({
    name: 'conformance',
    port: 0,
    environment: {
      RONDO_LISTEN: '127.0.0.1:0',
      // Clients still call when it drains.
      RONDO_DRAIN_WAIT_MS: '0',
      RONDO_LOG_LEVEL: 'silent',
      RONDO_REGISTRY: registry,
      RONDO_TRANSPORT: transport,
    },
    createApp: () => ({ services: [handlers] }),
  });
  closers.push(() => service.drain());
  return service;
}

type TestClient = Client<typeof ConformanceServiceDefinition>;

/** Clients that call until they are stopped, each with one safe and several unsafe calls at a time. */
function startLoad(clients: readonly TestClient[]) {
  const failures: unknown[] = [];
  let made = 0;
  let calling = true;
  const repeat = async (call: () => Promise<unknown>) => {
    while (calling) await call().catch((error: unknown) => failures.push(error));
  };
  const unsafe = (client: TestClient) => {
    made += 1;
    return client.unaryUnsafe({}, { metadata: new Metadata({ id: String(made) }) });
  };
  const callers = clients.flatMap((client) => [
    repeat(() => client.unary({})),
    ...Array.from({ length: 4 }, () => repeat(() => unsafe(client))),
  ]);
  return {
    failures,
    made: () => made,
    async stop() {
      calling = false;
      await Promise.all(callers);
    },
  };
}

const other = (transport: Way): Way => (transport === 'grpc' ? 'frames' : 'grpc');

describe('a rolling restart of replicas with frames and without', () => {
  it('fails no call, safe or unsafe, and none is done twice', async () => {
    const registry = await startRegistry();
    closers.push(() => registry.stop());
    const replicas: { readonly service: RunningService; readonly transport: Way }[] = [];
    const start = async (transport: Way) => {
      replicas.push({ transport, service: await startReplica(registry.address, transport) });
    };
    for (const transport of ['frames', 'grpc', 'frames'] as const) await start(transport);
    const clients = [{}, { frames: false }].map((options) => {
      const channel = createRegistryChannel({ registry: [registry.address], clock: patientClock, ...options });
      closers.push(() => channel.close());
      return createClient(ConformanceServiceDefinition, { channel });
    });
    await Promise.all(clients.map((client) => client.unary({})));
    const load = startLoad(clients);
    // Each has had its turn, by either way.
    const served = async () => {
      const before = { ...ways };
      await eventually(() => {
        for (const way of ['frames', 'grpc'] as const) expect(ways[way] - before[way]).toBeGreaterThan(20);
      });
    };
    // Twice, so that each client is called by instances that go from one way to the other, and back.
    for (let left = 6; left > 0; left -= 1) {
      await served();
      const replica = replicas.shift();
      if (replica === undefined) throw new Error('no replica is left');
      await start(other(replica.transport));
      await replica.service.drain();
    }
    await served();
    await load.stop();
    expect(load.failures).toEqual([]);
    expect([...done.values()].filter((times) => times !== 1)).toEqual([]);
    expect(done.size).toBe(load.made());
  });
});
