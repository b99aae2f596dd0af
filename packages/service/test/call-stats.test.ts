import { afterEach, describe, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { AdderServiceDefinition, AddRequest, AddResponse } from '@rondo/contracts/rondo/conformance/v1/adder';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { untilAnswered } from '@rondo/rpc/testing';
import { startService } from '../src/exports/index.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Starts an adder whose calls of 13 fail, and whose calls of 99 wait until the test says so. */
async function start(transport: 'tunnel' | 'grpc') {
  let goOn: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let arrived: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const adder = implement(AdderServiceDefinition, {
    async add({ a, b }) {
      if (a === 13n) throw new RpcError(Status.INVALID_ARGUMENT, 'a: must not be 13');
      if (a === 99n) {
        arrived();
        await held;
      }
      return { result: a + b };
    },
  });
  const environment = {
    RONDO_REGISTRY: '127.0.0.1:1',
    RONDO_INSTANCE_ID: 'adder-1',
    RONDO_LISTEN: '127.0.0.1:0',
    RONDO_TRANSPORT: transport,
    RONDO_DRAIN_WAIT_MS: '0',
  };
  const createApp = () => ({ services: [adder] });
  const service = await startService({ name: 'adder', port: 1, environment, log: silentLogger, createApp });
  closers.push(() => service.drain());
  const channel: Channel = createChannel({
    resolver: staticResolver([service.address], { tunnel: transport === 'tunnel' }),
  });
  closers.push(() => channel.close());
  return { channel, waiting, goOn };
}

const size = (message: Uint8Array) => BigInt(message.length);

describe.each(['tunnel', 'grpc'] as const)('call statistics of calls by %s', (transport) => {
  it('count what began, how it ended, how long it took and how large it was', async () => {
    const { channel, waiting, goOn } = await start(transport);
    const adder = createClient(AdderServiceDefinition, { channel });
    const stats = createClient(CallStatsServiceDefinition, { channel });
    // On a busy machine the connection may take longer than a second.
    const before = await untilAnswered(() => stats.getCallStats({}));
    expect(before).toMatchObject({ instanceId: 'adder-1', methods: [] });
    await createClient(HealthDefinition, { channel }).check({});
    await adder.add({ a: 1n, b: 2n });
    await adder.add({ a: 13n, b: 2n }).catch(() => undefined);
    const slow = adder.add({ a: 99n, b: 2n });
    await waiting;

    const during = await stats.getCallStats({});
    const requests = [1n, 13n, 99n].map((a) => size(AddRequest.encode({ a, b: 2n }).finish()));
    expect(during.startTime).toEqual(before.startTime);
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
    goOn();
    await slow;
    const after = await stats.getCallStats({});
    expect(after.methods[0]).toMatchObject({ begun: 3n, ended: [{ count: 2n }, { count: 1n }] });
    expect(after.methods[0]?.durations.reduce((sum, { count }) => sum + count, 0n)).toBe(3n);
  });
});
