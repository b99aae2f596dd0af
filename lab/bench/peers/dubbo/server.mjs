// dubbo-js as its README has it: `dubboNodeAdapter` on a server of node:http2. It is an alpha of 2023, the last that npm has.
import { createServer } from 'node:http2';
import { dubboNodeAdapter } from '@apachedubbo/dubbo-node';
import { listening } from '../answers.mjs';
import { HANDLERS } from '../iterables.mjs';
import { ConformanceService } from './contract.mjs';

export function serve() {
  const routes = (router) => router.service(ConformanceService, HANDLERS);
  return listening(createServer(dubboNodeAdapter({ routes })));
}
