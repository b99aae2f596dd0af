import { cpuMs, startWorker } from '@rondo/harness';
import { figure, median, show, table } from '../../report/figures.mjs';

const LANES = [64, 1];
/** After so many calls a process is about as fast as it becomes. */
const WARM_UP_CALLS = 20_000;
/** What the gateway must reach of Fastify's calls a second. */
const LEAST = 0.8;

/**
 * Calls a second of `POST /add` through the gateway, against a Fastify server with a grpc-js client. Both call the same
 * service, and get the same load in turn.
 *
 * @returns whether the gateway reaches 0.8 of Fastify.
 */
export async function compareJson({ gateway, backend }, { rounds, seconds }, { onClose }) {
  const fastify = startWorker(new URL('../fastify-server.mjs', import.meta.url));
  onClose(() => fastify.close());
  const client = startWorker(new URL('../http-client.mjs', import.meta.url));
  onClose(() => client.close());
  const port = Number(await fastify.ask('serve', backend));
  const measure = async (target, lanes) => {
    const before = cpuMs(target.pid);
    const calls = await client.ask('call', { port: target.port, lanes, seconds });
    return { calls, perSecond: calls / seconds, callUs: ((cpuMs(target.pid) - before) / calls) * 1_000 };
  };
  for (const target of [{ pid: fastify.pid, port }, gateway]) {
    for (let calls = 0; calls < WARM_UP_CALLS; ) calls += (await measure(target, 64)).calls;
  }
  const rows = [];
  let holds = true;
  for (const lanes of LANES) {
    const plain = () => measure({ pid: fastify.pid, port }, lanes);
    const proxied = () => measure(gateway, lanes);
    await plain();
    await proxied();
    const measured = [];
    for (let round = 0; round < rounds; round += 1) measured.push({ plain: await plain(), proxied: await proxied() });
    const ratio = median(measured.map((one) => one.proxied.perSecond / one.plain.perSecond));
    holds &&= ratio >= LEAST;
    const of = (read) => figure(median(measured.map(read)));
    rows.push([
      `${lanes} at a time`,
      of((one) => one.plain.perSecond),
      of((one) => one.proxied.perSecond),
      figure(ratio),
      of((one) => one.plain.callUs),
      of((one) => one.proxied.callUs),
    ]);
  }
  show(`\nHTTP/JSON, ${rounds} rounds of ${seconds} s, medians; the gateway must reach ${LEAST} of Fastify`);
  show(table(['calls', 'Fastify/s', 'gateway/s', 'ratio', 'Fastify CPU µs', 'gateway CPU µs'], rows));
  return holds;
}
