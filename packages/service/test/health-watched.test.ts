/** How clients react to a service's readiness without a registry. */
import { afterEach, expect, it } from '@jest/globals';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, implement, serve } from '@rondo/rpc/server';
import { ManualClock } from '@rondo/rpc/testing';
import { createHealth } from '../src/health.js';
import { createState, readinessOf } from '../src/state.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start() {
  const readiness = createState(readinessOf([]));
  const health = createHealth({ readiness, services: [AdderServiceDefinition.fullName] });
  let calls = 0;
  const adder = implement(AdderServiceDefinition, {
    add({ a, b }) {
      calls += 1;
      return { result: a + b };
    },
  });
  const server = await serve(createRouter({ services: [adder, health] }), { listen: '127.0.0.1:0' });
  closers.push(() => server.drain(0));
  return { address: server.address, readiness, calls: () => calls };
}

it('an instance gets no calls as soon as it reports that it is not ready, and calls again when it is ready', async () => {
  const sick = await start();
  const other = await start();
  // The client's time stands still: health updates reach it without polling.
  const clock = new ManualClock();
  const channel = createChannel({ resolver: staticResolver([sick.address, other.address]), healthCheck: true, clock });
  closers.push(() => channel.close());
  const client = createClient(AdderServiceDefinition, { channel });
  const call = async (times: number) => {
    for (let left = times; left > 0; left -= 1) await client.add({ a: 1n, b: 2n });
  };
  const views = () => channel.inspect()[0]?.endpoints ?? [];
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  const heldAs = (expected: string | undefined) =>
    until(() => views().some(({ address, held }) => address === sick.address && held === expected));
  const share = async (times: number) => {
    const before = [sick.calls(), other.calls()];
    await call(times);
    return [sick.calls(), other.calls()].map((calls, index) => calls - (before[index] ?? 0));
  };
  await call(1);
  await until(() => views().every(({ state }) => state === 'ready'));

  for (let round = 0; round < 3; round += 1) {
    sick.readiness.set(readinessOf(['the database']));
    await heldAs('not serving (health)');
    expect(await share(10)).toEqual([0, 10]);
    sick.readiness.set(readinessOf([]));
    await heldAs(undefined);
    expect(await share(10)).toEqual([5, 5]);
  }
});
