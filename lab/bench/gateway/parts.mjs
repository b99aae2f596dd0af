import { show } from '../report/figures.mjs';
import { CALLS } from './contract.mjs';
import { compare, measure, startPart } from './turns.mjs';

/** What the gateway must reach of Fastify's calls a second. */
const LEAST = 0.8;

/**
 * The processor time that the gateway uses for a unary gRPC call which it passes on, against that of client and server for
 * one plain grpc-js call. The same client calls the gateway and the plain server, in turn.
 *
 * @returns whether the gateway uses no more than the two.
 */
export async function compareCalls({ gateway }, { rounds, seconds }, { onClose }) {
  const server = startPart(new URL('./plain-server.mjs', import.meta.url), onClose);
  const client = startPart(new URL('./plain-client.mjs', import.meta.url), onClose);
  const address = await server.ask('serve');
  const plain = (call) => measure(client, { ...call, address, seconds }, [client.pid, server.pid]);
  const proxied = (call) => measure(client, { ...call, address: gateway.address, seconds }, [gateway.pid]);
  const calls = Object.keys(CALLS).flatMap((name) =>
    [64, 1].map((lanes) => [`${name}, ${lanes} at a time`, { name, lanes }]),
  );
  show(`\ngRPC, ${rounds} rounds of ${seconds} s, medians; the gateway may use as much as client and server`);
  const head = ['call', 'client + server µs', 'gateway µs', 'ratio', 'plain/s', 'gateway/s'];
  const ratios = await compare({ plain, proxied }, { calls, rounds, by: 'callUs', also: 'perSecond', head });
  return ratios.every((ratio) => ratio <= 1);
}

/**
 * Calls a second of `POST /add` through the gateway, against a Fastify server with a grpc-js client. Both call the same
 * service, and get the same load in turn.
 *
 * @returns whether the gateway reaches 0.8 of Fastify.
 */
export async function compareJson({ gateway, backend }, { rounds, seconds }, { onClose }) {
  const fastify = startPart(new URL('./fastify-server.mjs', import.meta.url), onClose);
  const client = startPart(new URL('./http-client.mjs', import.meta.url), onClose);
  const port = Number(await fastify.ask('serve', backend));
  const plain = (lanes) => measure(client, { port, lanes, seconds }, [fastify.pid]);
  const proxied = (lanes) => measure(client, { port: gateway.port, lanes, seconds }, [gateway.pid]);
  const calls = [64, 1].map((lanes) => [`${lanes} at a time`, lanes]);
  show(`\nHTTP/JSON, ${rounds} rounds of ${seconds} s, medians; the gateway must reach ${LEAST} of Fastify`);
  const head = ['calls', 'Fastify/s', 'gateway/s', 'ratio', 'Fastify CPU µs', 'gateway CPU µs'];
  const ratios = await compare({ plain, proxied }, { calls, rounds, by: 'perSecond', also: 'callUs', head });
  return ratios.every((ratio) => ratio >= LEAST);
}
