import { createChannel } from '../src/client/index.js';
import { createMemoryNetwork, staticResolver } from '../src/testing/index.js';
import { describeConformance } from './conformance/suite.js';

describeConformance('memory', async ({ router, clock }) => {
  const network = createMemoryNetwork();
  network.listen('memory', router);
  const resolver = staticResolver(['memory']);
  const channel = createChannel({ resolver, transport: network.transport, ...(clock && { clock }) });
  return { channel, close: async () => channel.close() };
});
