import { setTimeout as sleep } from 'node:timers/promises';
import { AdderServiceDefinition as adder } from '@rondo/contracts/rondo/conformance/v1/adder';
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import { figure, median, show, table } from './report/figures.mjs';

/** How near the phases of a timed call come to what was injected into each: a path, a handler, a busy event loop. */
export const benchmark = {
  name: 'phases',
  summary: 'the phases that a timed call shows, beside what was injected into each',
  options: { calls: { type: 'count', default: 9, help: 'how many calls are timed for each phase' } },
  async run({ calls }) {
    const worker = startWorker(new URL('./phases/server.mjs', import.meta.url));
    try {
      const target = await worker.ask('address');
      const rows = [];
      for (const injection of INJECTIONS) rows.push(...(await measure(injection, { target, calls })));
      show(table(['phase', 'injected ms', 'median of it', 'lowest', 'highest'], rows));
    } finally {
      await worker.close();
    }
  },
};

const MEGABYTE = 1_000_000;
const BUSY_MS = 400;
/** By then the call that keeps the event loop busy has reached it. */
const HEAD_START_MS = 20;

const INJECTIONS = [
  {
    path: { bytesPerSecond: MEGABYTE },
    request: { payload: Buffer.alloc(MEGABYTE) },
    injectedMs: { send: 1_000, receive: 1_000 },
  },
  { path: { roundTripMs: 40 }, injectedMs: { propagation: 40 } },
  { request: { text: '200' }, injectedMs: { process: 200 } },
  {
    async before(other) {
      const done = other.add({ a: BigInt(BUSY_MS) });
      await sleep(HEAD_START_MS);
      return { done };
    },
    injectedMs: { queue: BUSY_MS - HEAD_START_MS },
  },
];

/** One row for each phase of an injection. */
async function measure({ path = {}, request = {}, before, injectedMs }, { target, calls }) {
  const proxy = await startTcpProxy({ target, ...path });
  const channels = [proxy.address, target].map((address) => createChannel({ resolver: staticResolver([address]) }));
  const [client, other] = [conformance, adder].map((definition, at) =>
    createClient(definition, { channel: channels[at] }),
  );
  try {
    await other.add({ a: 0n });
    await timed(client, {});
    const timings = [];
    for (let call = 0; call < calls; call += 1) {
      const busy = await before?.(other);
      timings.push(await timed(client, request));
      await busy?.done;
    }
    return Object.entries(injectedMs).map(([phase, ms]) => {
      const shares = timings.map((timing) => timing[`${phase}Ms`] / ms);
      return [phase, ms, figure(median(shares)), figure(Math.min(...shares)), figure(Math.max(...shares))];
    });
  } finally {
    for (const channel of channels) channel.close();
    await proxy.close();
  }
}

async function timed(client, request) {
  let timing;
  await client.unary(request, {
    onTiming: (told) => {
      timing = told;
    },
  });
  return timing;
}
