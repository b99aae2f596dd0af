import { createChannel, staticResolver } from '../src/exports/client.js';
import { serve } from '../src/exports/server.js';
import { createFaultNetwork } from '../src/exports/testing.js';
import { describeConformance } from './conformance/suite.js';

for (const [name, frames] of [
  ['grpc', false],
  ['frames', true],
] as const)
  describeConformance(name, async ({ router, clock }) => {
    const server = await serve(router, { listen: '127.0.0.1:0' });
    const channel = createChannel({ resolver: staticResolver([server.address], { frames }), ...(clock && { clock }) });
    return {
      channel,
      async close() {
        channel.close();
        await server.drain(0);
      },
    };
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
