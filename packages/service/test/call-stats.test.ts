import { afterEach, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { AdderServiceDefinition, AddRequest, AddResponse } from '@rondo/contracts/rondo/conformance/v1/adder';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { untilAnswered } from '@rondo/rpc/testing';
import { deferred, until } from '../../rpc/test/support/wait.js';
import { closeAll, dial, start, startFakeRegistry } from './started.js';

afterEach(closeAll);

const size = (message: Uint8Array) => BigInt(message.length);

it.each(['frames', 'grpc'])('statistics of calls by %s count begin, end, duration and size', async (transport) => {
  const [held, arrived] = [deferred(), deferred()];
  const { service } = await start({
    environment: { RONDO_TRANSPORT: transport },
    async add({ a, b }) {
      if (a === 13n) throw new RpcError(Status.INVALID_ARGUMENT, 'a: must not be 13');
      if (a === 99n) {
        arrived.resolve();
        await held.promise;
      }
      return { result: a + b };
    },
  });
  const channel = dial(service.address, { frames: transport === 'frames' });
  const adder = createClient(AdderServiceDefinition, { channel });
  const stats = createClient(CallStatsServiceDefinition, { channel });
  // On a busy machine the connection may take longer than a second.
  const before = await untilAnswered(() => stats.getCallStats({}));
  expect(before).toMatchObject({ instanceId: 'adder-1', methods: [] });
  await createClient(HealthDefinition, { channel }).check({});
  await adder.add({ a: 1n, b: 2n });
  await adder.add({ a: 13n, b: 2n }).catch(() => undefined);
  const slow = adder.add({ a: 99n, b: 2n });
  await arrived.promise;

  const during = await stats.getCallStats({});
  const requests = [1n, 13n, 99n].map((a) => size(AddRequest.encode({ a, b: 2n }).finish()));
  expect(during.startTime).toEqual(before.startTime);
  expect(during.eventLoopActive?.nanos).not.toBe(before.eventLoopActive?.nanos);
  expect(during.methods).toMatchObject([
    {
      service: 'rondo.conformance.v1.AdderService',
      method: 'Add',
      begun: 3n,
      ended: [
        { code: Status.OK, count: 1n },
        { code: Status.INVALID_ARGUMENT, count: 1n },
      ],
      requestBytes: requests.reduce((sum, one) => sum + one),
      replyBytes: size(AddResponse.encode({ result: 3n }).finish()),
    },
  ]);
  held.resolve();
  await slow;
  const after = await stats.getCallStats({});
  expect(after.methods[0]).toMatchObject({ begun: 3n, ended: [{ count: 2n }, { count: 1n }] });
  expect(after.methods[0]?.durations.reduce((sum, { count }) => sum + count, 0n)).toBe(3n);
});

it.each(['frames', 'grpc'])(
  'a client that could use frames calls by %s if RONDO_TRANSPORT of the service says so',
  async (transport) => {
    const ways: string[] = [];
    const { service } = await start({
      environment: { RONDO_TRANSPORT: transport },
      add({ a, b }, { metadata }) {
        ways.push(metadata.has('user-agent') ? 'grpc' : 'frames'); // only a gRPC call has HTTP's headers
        return { result: a + b };
      },
    });
    const adder = createClient(AdderServiceDefinition, { channel: dial(service.address, { frames: true }) });
    for (let left = 3; left > 0; left -= 1) await adder.add({ a: 1n, b: 2n });
    expect(ways).toEqual(Array(3).fill(transport));
  },
);

it.each([
  ['frames', 'frames', 'frames'],
  ['grpc', 'frames', 'grpc'],
  ['grpc', 'grpc', 'frames'],
])('a registry is called by %s if it takes %s, and RONDO_TRANSPORT of the service is %s', async (way, taken, own) => {
  const { fake, address } = await startFakeRegistry(0, taken);
  await start({ environment: { RONDO_REGISTRY: address, RONDO_TRANSPORT: own } });
  await until(() => fake.ways.length > 0);
  expect(fake.ways[0]).toBe(way);
});
