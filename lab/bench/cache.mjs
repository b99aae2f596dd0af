import { createNoopMeter } from '@opentelemetry/api';
import { createCache } from '@rondo/cache';
import { CachedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/cached';
import { startWorker } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { systemClock } from '@rondo/rpc/clock';
import { median, show } from './report/figures.mjs';

const TURN_CALLS = { 1: 2_000, 64: 12_800 };
/** The most of a call's processor time. Over both ends, a call may take less time than it takes work: two processes share it. */
const MOST = 0.25;

/**
 * What a kept answer costs: the processor time of both ends and the time of a call that the cache answers, against the same call
 * over a tunnel. The two take turns in one run; the ratio of each pair of turns counts.
 */
export const benchmark = {
  name: 'cache',
  summary: 'what a kept answer costs, against the same call over a tunnel',
  options: {
    rounds: { type: 'count', default: 9, help: 'how often each of the two has its turn' },
  },
  async run({ rounds }, { onClose }) {
    const server = startWorker(new URL('./cache/server.mjs', import.meta.url));
    onClose(() => server.close());
    const address = `127.0.0.1:${await server.ask('serve')}`;
    const cache = createCache({ clock: systemClock, meter: createNoopMeter(), maxBytes: 1024 * 1024 });
    const open = (wireMiddleware) => {
      const resolver = staticResolver([address], { tunnel: true });
      const channel = createChannel({ resolver, wireMiddleware });
      onClose(() => channel.close());
      return createClient(CachedServiceDefinition, { channel });
    };
    const [called, kept] = [open([]), open([cache.middleware])];
    let holds = true;
    for (const lanes of [1, 64]) {
      for (const client of [called, kept]) await turn(client, lanes, server);
      const ratios = { cpu: [], elapsed: [] };
      for (let round = 1; round <= rounds; round += 1) {
        const [call, hit] = [await turn(called, lanes, server), await turn(kept, lanes, server)];
        for (const what of ['cpu', 'elapsed']) ratios[what].push(hit[what] / call[what]);
        show(`${lanes} at a time, round ${round}: call ${text(call)}; kept ${text(hit)}`);
      }
      const [cpu, elapsed] = [median(ratios.cpu), median(ratios.elapsed)];
      show(
        `${lanes} at a time: a kept answer takes ${cpu.toFixed(3)} of a call's processor time, ${elapsed.toFixed(3)} of its time`,
      );
      holds &&= cpu < MOST;
    }
    show(`${holds ? 'less' : 'NOT less'} than ${MOST} everywhere`);
    return holds;
  },
};

const text = ({ cpu, elapsed }) => `${cpu.toFixed(1)} µs of CPU, ${elapsed.toFixed(1)} µs`;

/** Microseconds a call: of processor time over both ends, and from one call's start to the next one's. */
async function turn(client, lanes, server) {
  const calls = TURN_CALLS[lanes];
  const before = { own: process.cpuUsage(), server: await server.ask('cpu') };
  const startedAt = performance.now();
  const lane = async () => {
    for (let call = 0; call < calls / lanes; call += 1) {
      const { content } = await client.getEntry({ name: 'entries/1' });
      if (content.length !== 200) throw new Error(`${content.length} bytes are not the entry`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before.own);
  const served = (await server.ask('cpu')) - before.server;
  return { cpu: (user + system + served) / calls, elapsed: (elapsedMs * 1_000) / calls };
}
