import { setTimeout as sleep } from 'node:timers/promises';
import { startWorker } from '@rondo/harness';
import { figure, show, table } from '../../report/figures.mjs';

/** How much more memory the gateway may use at the end than when the streams had been opened. */
const GROWTH = 1.1;
const MIB = 1024 * 1024;

/**
 * Holds streams open through the gateway, half of them by gRPC and half as server-sent events, each with a message a second.
 *
 * @returns whether the gateway's heap stays what it was when the streams had been opened.
 */
export async function holdStreams({ gateway }, { streams, minutes }, { onClose }) {
  const client = startWorker(new URL('../stream-client.mjs', import.meta.url));
  onClose(() => client.close());
  const before = await gateway.memory();
  await client.ask('open', { port: gateway.port, streams });
  await sleep(5_000);
  const opened = await gateway.memory();
  const half = Math.max(1, minutes * 30_000);
  await sleep(half);
  const middle = await gateway.memory();
  await sleep(half);
  const last = await gateway.memory();
  const { broken, messages, failure = '' } = await client.ask('counts');
  await client.close();
  await sleep(5_000);
  const closed = await gateway.memory();
  const states = { 'without streams': before, opened, 'in the middle': middle, 'at the end': last, closed };
  const rows = Object.entries(states).map(([name, { heapUsed, rss }]) => [
    name,
    figure(heapUsed / MIB),
    figure(rss / MIB),
  ]);
  show(`\n${streams} streams for ${minutes} min: ${messages} messages, ${broken} streams broke ${failure}`);
  show(table(['gateway', 'heap MiB', 'RSS MiB'], rows));
  return broken === 0 && last.heapUsed <= opened.heapUsed * GROWTH;
}
