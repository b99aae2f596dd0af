/**
 * What readers that don't read cost the memory of the two ends: streams of 1 MiB messages, in either direction, of which
 * each reader takes one. Prints by how much the RSS of each process has risen, in MiB; without streams as a control.
 *
 *   node bench/stalled.mjs [--streams 10] [--seconds 5]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { streams: { type: 'string', default: '10' }, seconds: { type: 'string', default: '5' } },
});

async function measure(kind, streams) {
  const server = fork(new URL('./stalled/server.mjs', import.meta.url));
  const [address] = await once(server, 'message');
  const client = fork(new URL('./stalled/client.mjs', import.meta.url), [address, kind, String(streams)]);
  const ends = { server, client };
  const rss = async (end) => {
    end.send('rss');
    const [bytes] = await once(end, 'message');
    return bytes / 2 ** 20;
  };
  try {
    await once(client, 'message'); // it has made a call
    const before = { server: await rss(server), client: await rss(client) };
    client.send('begin');
    await new Promise((resolve) => setTimeout(resolve, Number(values.seconds) * 1_000));
    const risen = {};
    for (const [name, end] of Object.entries(ends)) risen[name] = Math.round((await rss(end)) - before[name]);
    return risen;
  } finally {
    for (const end of Object.values(ends)) end.kill();
  }
}

for (const kind of ['replies', 'requests']) {
  for (const streams of [0, Number(values.streams)]) {
    const risen = JSON.stringify(await measure(kind, streams));
    process.stdout.write(`Node ${process.version}, ${streams} stalled readers of ${kind}: MiB risen ${risen}\n`);
  }
}
