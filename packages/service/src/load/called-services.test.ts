import { expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { type CalledService, CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { createClient } from '@rondo/rpc/client';
import { yieldToEventLoop } from '@rondo/rpc/clock';
import { createRouter, implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { createCallStats } from './call-stats.js';

const total = (service: CalledService | undefined) =>
  service?.attempts?.durations.reduce((sum, { count }) => sum + Number(count), 0);

it('tells what the process calls: how much fails by a fault of the callee, how long it takes, and at which instance; and settings without effect', async () => {
  const clock = new ManualClock();
  const channel = createTestChannel({
    clock,
    admission: { adaptive: false },
    services: [
      implement(AdderServiceDefinition, {
        async add({ a, b }, { signal }) {
          if (a === 13n) throw new RpcError(Status.INVALID_ARGUMENT, 'a: must not be 13');
          if (a === 66n) throw new RpcError(Status.INTERNAL, 'a fault');
          if (a === 99n)
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          await clock.advance(40);
          return { result: a + b };
        },
      }),
    ],
  });
  const router = createRouter({ services: [] });
  const options = { instanceId: 'caller-1', startedAt: new Date(0), router: () => router, ignored: [], clock, channel };
  const service = createCallStats({
    ...options,
    cache: { feeds: () => [] },
    pools: { read: () => [] },
    identity: undefined,
  });
  const stats = createClient(CallStatsServiceDefinition, {
    channel: createTestChannel({ services: [service], clock }),
  });
  const adder = createClient(AdderServiceDefinition, { channel });
  await adder.add({ a: 1n, b: 2n });
  for (const a of [13n, 66n]) await adder.add({ a, b: 2n }).catch(() => undefined);
  const left = new AbortController();
  const leaving = adder.add({ a: 99n, b: 2n }, { signal: left.signal });
  left.abort();
  await leaving.catch(() => undefined);
  while (channel.inspect()[0]?.endpoints[0]?.inFlight !== 0) await yieldToEventLoop();

  const { calledServices } = await stats.getCallStats({ calledInstanceIds: ['memory', 'other'] });
  expect(calledServices).toMatchObject([
    {
      service: AdderServiceDefinition.fullName,
      attempts: { failed: 1n },
      leftOut: 0,
      instances: [{ instanceId: 'memory', attempts: { failed: 1n }, inFlight: 0, ramp: 1, held: '', leftOut: false }],
    },
  ]);
  const [called] = calledServices;
  expect(called?.attempts?.durations.at(-1)?.maxMicros).toBeGreaterThanOrEqual(40_000);
  // A call that its caller leaves says nothing of the instance.
  expect(total(called)).toBe(3);
  expect(called?.instances[0]?.attempts?.begun).toBe(called?.attempts?.begun);
  expect((await stats.getCallStats({})).calledServices[0]?.instances).toEqual([]);

  expect((await stats.getCallStats({})).ignoredSettings).toEqual([]);
  channel.configure({ balancing: {}, breakers: { '*': {} }, bulkheads: {}, canaryPercents: {} });
  expect((await stats.getCallStats({})).ignoredSettings).toEqual(['breaker of *']);
});
