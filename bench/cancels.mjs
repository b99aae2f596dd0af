/**
 * What is left of streams that were cancelled at random points, the turn of their start among them: at the server, in the
 * client, and of the client's process once it has closed its channel.
 *
 *   node bench/cancels.mjs [--streams 100000] [--lanes 64]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { streams: { type: 'string', default: '100000' }, lanes: { type: 'string', default: '64' } },
});

const server = fork(new URL('./cancels/server.mjs', import.meta.url));
try {
  const [address] = await once(server, 'message');
  const client = fork(new URL('./cancels/client.mjs', import.meta.url), [address, values.streams, values.lanes]);
  const [report] = await once(client, 'message');
  const closedAt = performance.now();
  await once(client, 'exit');
  const exitMs = Math.round(performance.now() - closedAt);
  server.send('');
  const [left] = await once(server, 'message');
  process.stdout.write(`Node ${process.version}: ${JSON.stringify({ client: report, exitMs, server: left })}\n`);
} finally {
  server.kill();
}
