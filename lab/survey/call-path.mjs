/** Counts the source files of packages/rpc whose functions run during one unary call, on both ends, and during one pick. */
import { Session } from 'node:inspector/promises';

const rpc = (file) => import(`../../packages/rpc/dist/${file}.js`);
const [{ createChannel, createClient, staticResolver }, { createRouter, serve }, { standIn }] = await Promise.all(
  ['exports/client', 'exports/server', 'exports/testing'].map(rpc),
);
const [{ EndpointPool }, { systemClock, systemRandom }, { DEFAULT_BALANCING, methodsOf }] = await Promise.all(
  ['channel/endpoint-pool', 'exports/clock', 'exports/internal'].map(rpc),
);
const contract = '../../packages/contracts/dist/rondo/conformance/v1/conformance.js';
const { ConformanceServiceDefinition } = await import(contract);

/** So many first calls make connections, pickers and caches. */
const WARM_UP = 5;
const session = new Session();
session.connect();
await session.post('Profiler.enable');

console.log(`a unary call runs through ${(await unaryCall()).length} files of packages/rpc, both ends together`);
console.log(`a round_robin pick runs through ${(await pick()).join(', ')}`);
session.disconnect();

/** The files of packages/rpc whose functions run during `work`. */
async function filesOf(work) {
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  await session.post('Profiler.stopPreciseCoverage');
  const ran = result.filter(({ functions }) => functions.some(({ ranges: [range] }) => range.count > 0));
  return ran.map(({ url }) => url.split('/packages/rpc/dist/')[1]?.replace('.js', '.ts')).filter(Boolean);
}

async function unaryCall() {
  const echo = standIn(ConformanceServiceDefinition, { unary: ({ text }) => ({ text }) });
  const server = await serve(createRouter({ services: [echo] }), { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([`127.0.0.1:${server.port}`]) });
  const client = createClient(ConformanceServiceDefinition, { channel });
  for (let left = WARM_UP; left > 0; left -= 1) await client.unary({ text: 'a' });
  const files = await filesOf(() => client.unary({ text: 'a' }));
  channel.close();
  await server.drain(0);
  return files;
}

async function pick() {
  const connection = { state: 'ready', subscribe: () => () => undefined, connect: async () => undefined, close() {} };
  const pool = new EndpointPool({
    service: ConformanceServiceDefinition.fullName,
    source: 'a list',
    connections: { to: () => connection },
    clock: systemClock,
    random: systemRandom,
    balancing: DEFAULT_BALANCING,
    zone: '',
    healthCheck: false,
  });
  const endpoint = { address: '127.0.0.1:1', zone: '', version: '', weight: 100, state: 'serving', metadata: {} };
  const endpoints = ['a', 'b', 'c'].map((instanceId) => ({ ...endpoint, instanceId, incarnation: 0 }));
  pool.onResolution({ endpoints, departed: [] });
  const method = [...methodsOf(ConformanceServiceDefinition)].find(([key]) => key === 'unary')?.[1];
  const call = { hashKey: undefined, tried: [] };
  for (let left = WARM_UP; left > 0; left -= 1) pool.pick(method, call);
  const files = await filesOf(async () => pool.pick(method, call));
  pool.close();
  return files;
}
