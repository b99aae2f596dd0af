import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { balancing } from '@rondo/balancing';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { startService } from '@rondo/service';
import { startFakeRegistry } from './fake-registry.js';
import { patient, rondo } from './recording-context.js';
import { startAdder } from './services.js';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let environment: { RONDO_REGISTRY: string };
const closers: (() => unknown)[] = [];

/** Starts an instance that calls the adder through a breaker and a bulkhead. */
async function startCaller() {
  let channel: Channel | undefined;
  const caller = await startService({
    name: 'caller',
    port: 1,
    plugins: [balancing],
    environment: {
      RONDO_INSTANCE_ID: 'caller',
      RONDO_LISTEN: '127.0.0.1:0',
      RONDO_REGISTRY: registry.address,
      RONDO_DRAIN_WAIT_MS: '0',
    },
    clock: patient(1_000),
    log: silentLogger,
    createApp: (context) => {
      channel = context.channel;
      return { services: [standIn(ConformanceServiceDefinition, {})] };
    },
  });
  closers.push(() => caller.drain());
  if (channel === undefined) throw new Error('the app was not created');
  const guards = {
    breakers: { [AdderServiceDefinition.fullName]: { minCalls: 5, windowMs: 600_000 } },
    bulkheads: { [AdderServiceDefinition.fullName]: { maxCalls: 7 } },
  };
  channel.configure({ balancing: {}, canaryPercents: {}, ...guards });
  return createClient(AdderServiceDefinition, { channel });
}

beforeAll(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
  const sick = () => Promise.reject(new RpcError(Status.UNAVAILABLE, 'sick'));
  const adder = await startAdder('adder', registry.address, { serverMiddleware: [sick] });
  closers.push(() => adder.drain());
  await registry.until('adder', 'INSTANCE_STATUS_SERVING');
  const client = await startCaller();
  await registry.until('caller', 'INSTANCE_STATUS_SERVING');
  for (let index = 0; index < 6; index += 1) await client.add({ a: 1n, b: 2n }).catch(() => undefined);
});

afterAll(async () => {
  for (const close of closers.reverse()) await close();
  await registry.stop();
});

const answered = async (args: readonly string[]) => (await rondo(args, { environment })).stdout;

const OPEN =
  /caller: its breaker of rondo\.conformance\.v1\.AdderService\/Add is open since \d+s: 5 of 5 calls in 600 s failed/;

describe('the breakers of instances', () => {
  it('are shown by rondo ps --check if they are open', async () => {
    const stdout = await answered(['ps', '--check']);
    expect(stdout).toMatch(OPEN);
    expect(stdout).not.toContain('bulkhead');
  });

  it('are shown by rondo pick --explain with the bulkheads', async () => {
    const stdout = await answered(['pick', 'AdderService/Add', '--explain']);
    expect(stdout).toMatch(OPEN);
    expect(stdout).toContain(
      'caller: its bulkhead of rondo.conformance.v1.AdderService/Add has 0 of 7 calls in flight, 0 of 0 waiting',
    );
  });

  it('are shown as JSON', async () => {
    const { guards } = JSON.parse(await answered(['ps', '--check', '--json']));
    expect(guards).toEqual([
      {
        instanceId: 'caller',
        service: 'rondo.conformance.v1.AdderService',
        method: 'Add',
        breaker: {
          state: 'open',
          openTime: expect.any(String),
          reason: expect.stringContaining('UNAVAILABLE: sick'),
          openings: 1,
          refused: expect.any(Number),
        },
        bulkhead: { inFlight: 0, maxCalls: 7, queued: 0, maxQueued: 0, refused: 0 },
      },
    ]);
  });
});
