import { show, table } from '../../report/figures.mjs';
import { measure, startPart, takeTurns } from '../turns.mjs';

/** What the gateway must reach of Fastify's calls a second. */
const LEAST = 0.8;

/**
 * Calls a second of `POST /add` through the gateway, against a Fastify server with a grpc-js client. Both call the same
 * service, and get the same load in turn.
 *
 * @returns whether the gateway reaches 0.8 of Fastify.
 */
export async function compareJson({ gateway, backend }, { rounds, seconds }, { onClose }) {
  const fastify = startPart(new URL('../fastify-server.mjs', import.meta.url), onClose);
  const client = startPart(new URL('../http-client.mjs', import.meta.url), onClose);
  const port = Number(await fastify.ask('serve', backend));
  const plain = (lanes) => measure(client, { port, lanes, seconds }, [fastify.pid]);
  const proxied = (lanes) => measure(client, { port: gateway.port, lanes, seconds }, [gateway.pid]);
  const calls = [64, 1];
  const rows = await takeTurns({ plain, proxied }, { calls, rounds, by: 'perSecond', also: 'callUs' });
  show(`\nHTTP/JSON, ${rounds} rounds of ${seconds} s, medians; the gateway must reach ${LEAST} of Fastify`);
  const cells = rows.map((row, index) => [`${calls[index]} at a time`, ...row.cells]);
  show(table(['calls', 'Fastify/s', 'gateway/s', 'ratio', 'Fastify CPU µs', 'gateway CPU µs'], cells));
  return rows.every(({ ratio }) => ratio >= LEAST);
}
