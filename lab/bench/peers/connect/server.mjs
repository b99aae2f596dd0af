// connect-node as its documentation has it for gRPC: `connectNodeAdapter` on a server of node:http2.
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { HANDLERS } from '../iterables.mjs';
import { ConformanceService } from './contract.mjs';

export async function serve() {
  const routes = (router) => router.service(ConformanceService, HANDLERS);
  const server = createServer(connectNodeAdapter({ routes })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${server.address().port}`;
}
