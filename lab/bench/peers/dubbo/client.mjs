// dubbo-js as its README has it: `createPromiseClient` over `createDubboTransport`, whose Triple protocol is Dubbo's own.
import { createPromiseClient } from '@apachedubbo/dubbo';
import { createDubboTransport } from '@apachedubbo/dubbo-node';
import { callsOf } from '../iterables.mjs';
import { ConformanceService } from './contract.mjs';

export function connect([address]) {
  const transport = createDubboTransport({ baseUrl: `http://${address}`, httpVersion: '2' });
  return callsOf(createPromiseClient(ConformanceService, transport));
}
