import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startWorker } from '@rondo/harness';
import { show } from './report/figures.mjs';

/**
 * What is left of streams that were cancelled at random points, the turn of their start among them: at the server, in the
 * client, and of the client's process once it has closed its channel.
 */
export const benchmark = {
  name: 'cancels',
  summary: 'what streams that are cancelled at random points leave behind at both ends',
  options: {
    streams: { type: 'count', default: 100_000, help: 'how many streams' },
    lanes: { type: 'count', default: 64, help: 'how many at a time' },
  },
  async run({ streams, lanes }, { onClose }) {
    const server = startWorker(new URL('./cancels/server.mjs', import.meta.url));
    onClose(() => server.close());
    const args = [await server.ask('address'), String(streams), String(lanes)];
    // No worker: it must end by itself once its channel is closed.
    const client = fork(new URL('./cancels/client.mjs', import.meta.url), args);
    onClose(() => client.kill('SIGKILL'));
    const [report] = await once(client, 'message');
    const closedAt = performance.now();
    await once(client, 'exit');
    const exitMs = Math.round(performance.now() - closedAt);
    show(JSON.stringify({ client: report, exitMs, server: await server.ask('remains') }));
  },
};
