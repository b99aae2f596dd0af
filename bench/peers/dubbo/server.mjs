// dubbo-js as its README has it: `dubboNodeAdapter` on a server of node:http2. It is an alpha of 2023, the last that npm has.
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { dubboNodeAdapter } from '@apachedubbo/dubbo-node';
import { countTo, createTally, echo } from '../answers.mjs';
import { ConformanceService } from './contract.mjs';

export async function serve() {
  const routes = (router) => router.service(ConformanceService, { unary, serverStream, clientStream, bidiStream });
  const server = createServer(dubboNodeAdapter({ routes })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${server.address().port}`;
}

const unary = (request) => echo(request);

async function* serverStream({ count }) {
  yield* countTo(count);
}

async function clientStream(requests) {
  const tally = createTally();
  for await (const request of requests) tally.take(request);
  return tally.reply();
}

async function* bidiStream(requests) {
  for await (const { text } of requests) yield { text };
}
