import { setTimeout as sleep } from 'node:timers/promises';
import { startWorker } from '@rondo/harness';
import { show } from './report/figures.mjs';

/**
 * What readers that don't read cost the memory of both ends: streams of 1 MiB messages, in either direction, of which each
 * reader takes one. Prints by how much the RSS of each process has risen, in MiB; without streams as a control.
 */
export const benchmark = {
  name: 'stalled',
  summary: 'what streams whose readers stop reading cost the memory of both ends',
  options: {
    streams: { type: 'count', default: 10, help: 'how many streams' },
    seconds: { type: 'count', default: 5, help: 'how long they are open' },
  },
  async run({ streams, seconds }) {
    for (const kind of ['replies', 'requests']) {
      for (const count of [0, streams]) {
        const risen = JSON.stringify(await measure({ kind, streams: count, seconds }));
        show(`${count} stalled readers of ${kind}: MiB risen ${risen}`);
      }
    }
  },
};

async function measure({ kind, streams, seconds }) {
  const server = startWorker(new URL('./stalled/server.mjs', import.meta.url));
  const client = startWorker(new URL('./stalled/client.mjs', import.meta.url));
  const ends = { server, client };
  const rss = async () => ({ server: await server.ask('rss'), client: await client.ask('rss') });
  try {
    await client.ask('connect', await server.ask('address'));
    const before = await rss();
    await client.ask('begin', { kind, streams });
    await sleep(seconds * 1_000);
    const after = await rss();
    const risen = Object.keys(ends).map((end) => [end, Math.round((after[end] - before[end]) / 2 ** 20)]);
    return Object.fromEntries(risen);
  } finally {
    for (const end of Object.values(ends)) await end.close();
  }
}
