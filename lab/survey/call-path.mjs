/** The source files of packages and plugins, and their functions, that run in each unary call, on both ends together. */
import { Session } from 'node:inspector/promises';

const rpc = (file) => import(`../../packages/rpc/dist/exports/${file}.js`);
const CONFORMANCE = '../../packages/contracts/dist/rondo/conformance/v1/conformance.js';

/** So many first calls make connections, pickers and caches. */
const WARM_UP = 5;
/** A function that doesn't run in each of these calls isn't a part of every call. */
const COUNTED = 20;
/** Generated contracts, and how a message is encoded, differ from method to method. */
const SOURCE = /\/((?:packages|plugins)\/(?!contracts\/)[^/]+)\/dist\/(.+)\.js$/;

/** What carries calls. */
export const CARRIERS = ['frames', 'gRPC'];

/** The numbers by which the way of a call is bounded in budget.json. */
export async function callCounts() {
  const counts = [];
  for (const carrier of CARRIERS) {
    const files = await callPath(carrier);
    counts.push([`files over ${carrier}`, files.length]);
    counts.push([`functions over ${carrier}`, files.reduce((sum, { functions }) => sum + functions.length, 0)]);
  }
  return Object.fromEntries(counts);
}

/** Each file with the names of its functions. The packages have to be compiled. */
export async function callPath(carrier) {
  const [{ createChannel, createClient, staticResolver }, { createRouter, serve }, { standIn }] = await Promise.all(
    ['client', 'server', 'testing'].map(rpc),
  );
  const { ConformanceServiceDefinition } = await import(CONFORMANCE);
  const echo = standIn(ConformanceServiceDefinition, { unary: ({ text }) => ({ text }) });
  const server = await serve(createRouter({ services: [echo] }), { listen: '127.0.0.1:0' });
  const channel = createChannel({
    resolver: staticResolver([`127.0.0.1:${server.port}`], { frames: carrier === 'frames' }),
  });
  const client = createClient(ConformanceServiceDefinition, { channel });
  const call = async (times) => {
    for (let left = times; left > 0; left -= 1) await client.unary({ text: 'a' });
  };
  await call(WARM_UP);
  const ran = await functionsOf(() => call(COUNTED), COUNTED);
  channel.close();
  await server.drain(0);
  return ran;
}

/** The functions that run at least `times` times during `work`. */
async function functionsOf(work, times) {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await work();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  session.disconnect();
  const files = result.flatMap(({ url, functions }) => {
    const [, folder, name] = SOURCE.exec(url) ?? [];
    const ran = functions.filter(({ ranges: [whole] }) => whole.count >= times);
    if (folder === undefined || ran.length === 0) return [];
    return [
      { file: `${folder}/src/${name}.ts`, functions: ran.map(({ functionName }) => functionName || 'a closure') },
    ];
  });
  return files.sort((a, b) => a.file.localeCompare(b.file));
}
