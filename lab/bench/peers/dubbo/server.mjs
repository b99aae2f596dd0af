// dubbo-js as its README has it: `dubboNodeAdapter` on a server of node:http2. It is an alpha of 2023, the last that npm has.
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { dubboNodeAdapter } from '@apachedubbo/dubbo-node';
import { HANDLERS } from '../iterables.mjs';
import { ConformanceService } from './contract.mjs';

export async function serve() {
  const routes = (router) => router.service(ConformanceService, HANDLERS);
  const server = createServer(dubboNodeAdapter({ routes })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${server.address().port}`;
}
