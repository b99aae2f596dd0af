import { setTimeout as sleep } from 'node:timers/promises';
import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { figure, quantiles, show, table } from './report/figures.mjs';

/** What callers of a dependency that dies and returns get with a circuit breaker, and how soon it opens and closes. */
export const benchmark = {
  name: 'breaker',
  summary: 'how soon a circuit breaker opens and closes, and how long refused calls take',
  options: {
    rate: { type: 'count', default: 100, help: 'calls a second' },
    rounds: { type: 'count', default: 10, help: 'how often the dependency dies and returns' },
  },
  async run({ rate, rounds }) {
    const opened = [];
    const closed = [];
    const refused = [];
    for (let round = 0; round < rounds; round += 1) {
      const { openMs, closeMs, refusedMs } = await dieAndReturn(rate);
      opened.push(openMs);
      closed.push(closeMs);
      refused.push(...refusedMs);
    }
    const row = (name, times) => {
      const { p50, p99 } = quantiles(times);
      return [name, times.length, figure(p50), figure(p99), figure(Math.max(...times))];
    };
    const rows = [
      row('opens after the death', opened),
      row('closes after the return', closed),
      row('a refused call', refused),
    ];
    show(table(['ms', 'count', 'p50', 'p99', 'max'], rows));
  },
};

/** How long the dependency answers, and how long it is dead. Milliseconds. */
const WELL_MS = 1_500;
const DEAD_MS = 2_500;

async function dieAndReturn(rate) {
  let worker = startWorker(new URL('./breaker/server.mjs', import.meta.url));
  const { port } = await worker.ask('listen', 0);
  const channel = createChannel({
    resolver: staticResolver([`127.0.0.1:${port}`], { tunnel: true }),
    breakers: { [conformance.fullName]: {} },
  });
  const client = createClient(conformance, { channel });
  const breaker = () => channel.inspect()[0]?.guards[0]?.breaker;
  const refusedMs = [];
  let running = true;
  const call = async () => {
    const { refused } = breaker() ?? { refused: 0 };
    const startedAt = performance.now();
    try {
      await client.unary({});
    } catch {
      if ((breaker()?.refused ?? 0) > refused) refusedMs.push(performance.now() - startedAt);
    }
  };
  const load = (async () => {
    while (running) {
      void call();
      await sleep(1_000 / rate);
    }
  })();
  const timeUntil = async (state, startedAt = performance.now()) => {
    while (breaker()?.state !== state) await sleep(1);
    return performance.now() - startedAt;
  };
  await sleep(WELL_MS);
  const diedAt = performance.now();
  await worker.close();
  const openMs = await timeUntil('open', diedAt);
  await sleep(DEAD_MS);
  worker = startWorker(new URL('./breaker/server.mjs', import.meta.url));
  await worker.ask('listen', port);
  const closeMs = await timeUntil('closed');
  running = false;
  await load;
  channel.close();
  await worker.close();
  return { openMs, closeMs, refusedMs };
}
