/** Prints as JSON how many bytes a call allocates on the JavaScript heap, in all and by function. accepted.mjs starts it. */
import { Session } from 'node:inspector/promises';
import { metrics } from '@opentelemetry/api';
import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { callLog, callMetrics } from '@rondo/rpc/internal';
import { createRouter, serve } from '@rondo/rpc/server';
import { createMemoryNetwork, standIn } from '@rondo/rpc/testing';

const WARM_UP = 300;
const CALLS = 400;
const RUNS = 3;
/** A function that allocates less a call is left out. */
const LEAST_BYTES = 16;
const clock = systemClock;
const meter = metrics.getMeter('allocations');
const adder = standIn(AdderServiceDefinition, { add: ({ a, b }) => ({ result: a + b }) });
const router = () =>
  createRouter({
    services: [adder],
    instanceId: 'adder-1',
    middleware: [callMetrics('server', { meter, clock }), callLog({ clock })],
  });
const clientOf = (options) =>
  createClient(AdderServiceDefinition, {
    channel: createChannel({ ...options, middleware: [callMetrics('client', { meter, clock })] }),
  });

/** By name: a client, with all that is on by default. */
const CLIENTS = {
  memory() {
    const network = createMemoryNetwork();
    for (const address of ['a', 'b', 'c']) network.listen(address, router());
    return clientOf({ resolver: staticResolver(['a', 'b', 'c']), transport: network.transport });
  },
  grpc: () => clientOverSockets(false),
  frames: () => clientOverSockets(true),
};

async function clientOverSockets(frames) {
  const { port } = await serve(router(), { listen: '127.0.0.1:0' });
  return clientOf({ resolver: staticResolver([`127.0.0.1:${port}`], { frames }) });
}

async function call(client, count) {
  for (let made = 0; made < count; made += 1) await client.add({ a: 1n, b: 2n });
}

/** What else allocates meanwhile only adds: the least of several runs is nearest to the truth. */
async function bytesACall(client) {
  const runs = [];
  for (let run = 0; run < RUNS; run += 1) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    await call(client, CALLS);
    runs.push(Math.round((process.memoryUsage().heapUsed - before) / CALLS));
  }
  return Math.min(...runs);
}

/** Bytes a call by `function file`, from a profile of the allocations: one in 32 bytes is recorded. */
async function byFunction(client) {
  const session = new Session();
  session.connect();
  const options = {
    samplingInterval: 32,
    includeObjectsCollectedByMinorGC: true,
    includeObjectsCollectedByMajorGC: true,
  };
  await session.post('HeapProfiler.startSampling', options);
  await call(client, CALLS);
  const { profile } = await session.post('HeapProfiler.stopSampling');
  const bytes = new Map();
  const add = ({ callFrame: { functionName, url }, selfSize, children }) => {
    const name = `${functionName || '(anonymous)'} ${url.split('/').slice(-2).join('/')}`.trim();
    bytes.set(name, (bytes.get(name) ?? 0) + selfSize / CALLS);
    children.forEach(add);
  };
  add(profile.head);
  const rows = [...bytes].map(([name, size]) => [name, Math.round(size)]).filter(([, size]) => size >= LEAST_BYTES);
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const client = await CLIENTS[process.argv[2]]();
await call(client, WARM_UP);
const bytes = await bytesACall(client);
const functions = await byFunction(client);
process.stdout.write(`${JSON.stringify({ bytes, functions })}\n`, () => process.exit());
