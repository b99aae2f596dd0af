import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { type Channel, type ChannelOptions, createChannel } from '../../src/channel/channel.js';
import { createClient } from '../../src/client/create-client.js';
import { staticResolver } from '../../src/resolver/static.js';
import type { Handlers } from '../../src/server/handlers.js';
import { createRouter, type RouterOptions } from '../../src/server/router.js';
import { type RpcServer, type ServeOptions, serve } from '../../src/wire/serve.js';
import type { ServedDefinition } from '../conformance/handlers.js';
import { closersOfATest } from './closers.js';
import { type ConformanceClient, conformanceService } from './service.js';

type Served = Partial<ServeOptions> & { readonly router?: Partial<RouterOptions> };
type Connected = Partial<ChannelOptions> & { readonly known?: Parameters<typeof staticResolver>[1] };

/** Servers and clients of the conformance service over sockets. They are closed as each test of the file ends. */
export function socketsOfATest() {
  const closers = closersOfATest();
  return {
    closers,
    /** Serves it on a free port, with some of its handlers replaced. */
    async startServer(handlers: Partial<Handlers<ServedDefinition>> = {}, options: Served = {}): Promise<RpcServer> {
      const { router, ...rest } = options;
      const services = [conformanceService(handlers)];
      const server = await serve(createRouter({ services, ...router }), { listen: '127.0.0.1:0', ...rest });
      closers.push(() => server.drain(0));
      return server;
    },
    /** A client of the servers at these addresses, of which as much is known. */
    connectTo(addresses: readonly string[], options: Connected = {}): { channel: Channel; client: ConformanceClient } {
      const { known, ...rest } = options;
      // A busy machine may take longer than the default.
      const patience = rest.transport === undefined ? { connectTimeoutMs: 30_000 } : {};
      const channel = createChannel({ resolver: staticResolver(addresses, known), ...patience, ...rest });
      closers.push(() => channel.close());
      return { channel, client: createClient(ConformanceServiceDefinition, { channel }) };
    },
  };
}
