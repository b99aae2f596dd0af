// connect-node as its documentation has it for gRPC: `connectNodeAdapter` on a server of node:http2.
import { createServer } from 'node:http2';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { listening } from '../answers.mjs';
import { HANDLERS } from '../iterables.mjs';
import { ConformanceService } from './contract.mjs';

export function serve() {
  const routes = (router) => router.service(ConformanceService, HANDLERS);
  return listening(createServer(connectNodeAdapter({ routes })));
}
