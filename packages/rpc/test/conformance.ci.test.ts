import { createChannel, staticResolver } from '../src/exports/client.js';
import { type Router, serve } from '../src/exports/server.js';
import { createFaultNetwork } from '../src/exports/testing.js';
import { grpcTransport } from '../src/transport/grpc/transport.js';
import type { Transport, WireCall } from '../src/transport/transport.js';
import { describeConformance } from './conformance/suite.js';
import { wireCall } from './support/wire-call.js';

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

describeConformance('tunnel', async ({ router, clock }) => {
  const { counting, tunnelled } = countTunnelled(router);
  const server = await serve(counting, { listen: '127.0.0.1:0' });
  const transport = grpcTransport(server.address, { tunnel: true, ...(clock && { clock }) });
  await openTunnel(transport, tunnelled);
  const resolver = staticResolver([server.address]);
  const channel = createChannel({ resolver, transport: () => transport, ...(clock && { clock }) });
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

/** A router that counts the calls that come through tunnels: they have no HTTP headers. */
function countTunnelled(router: Router): { readonly counting: Router; readonly tunnelled: () => number } {
  let count = 0;
  const handle = (call: WireCall) => {
    if (!call.metadata.has('user-agent')) count += 1;
    return router.handle(call);
  };
  return { counting: { ...router, handle }, tunnelled: () => count };
}

/** Makes calls that no handler sees, until one goes through the tunnel. */
async function openTunnel(transport: Transport, tunnelled: () => number): Promise<void> {
  await transport.connect();
  while (tunnelled() === 0) await transport.call(wireCall({ path: '/none.None/None' })).catch(() => undefined);
}
