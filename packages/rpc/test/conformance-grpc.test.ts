import { createChannel } from '../src/client/index.js';
import { serve } from '../src/server/index.js';
import { staticResolver } from '../src/testing/index.js';
import { describeConformance } from './conformance/suite.js';

describeConformance('grpc', async ({ router, clock }) => {
  const server = await serve(router, { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([server.address]), ...(clock && { clock }) });
  return {
    channel,
    async close() {
      channel.close();
      await server.drain(0);
    },
  };
});
