import { createChannel, staticResolver } from '../src/exports/client.js';
import { createFaultNetwork, createMemoryNetwork } from '../src/exports/testing.js';
import { describeConformance } from './conformance/suite.js';

describeConformance('memory', async ({ router, clock }) => {
  const network = createMemoryNetwork();
  network.listen('memory', router);
  const resolver = staticResolver(['memory']);
  const channel = createChannel({ resolver, transport: network.transport, ...(clock && { clock }) });
  return { channel, close: async () => channel.close() };
});

describeConformance('a fault network without a fault', async ({ router, clock }) => {
  const network = createFaultNetwork({ ...(clock && { clock }) });
  const client = network.node('client');
  network.node('server').listen('server:1', router);
  const resolver = staticResolver(['server:1']);
  const channel = createChannel({ resolver, transport: client.transport, clock: client.clock });
  return {
    channel,
    async close() {
      channel.close();
      network.node('server').kill();
      client.kill();
    },
  };
});
