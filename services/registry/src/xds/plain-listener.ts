import type { Logger } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { type AppListener, createRouter, type RpcServer, type ServiceImplementation, serve } from '@rondo/rpc/server';
import { cannotBind, formatHostPort } from '@rondo/service';

/** What a {@link plainListener} serves, and where. */
interface PlainListenerOptions {
  readonly port: number;
  readonly discovery: ServiceImplementation;
  readonly log: Logger;
  readonly clock: Clock;
}

/** A port of the loopback interface without TLS, for xDS clients of this machine whose libraries have no TLS towards a control plane. */
export function plainListener({ port, discovery, log, clock }: PlainListenerOptions): AppListener {
  const at = { host: '127.0.0.1', port };
  let server: RpcServer | undefined;
  return {
    at,
    async listen() {
      const router = createRouter({ services: [discovery], logger: log, clock });
      try {
        server = await serve(router, { listen: formatHostPort(at), clock, frames: false });
        return server;
      } catch (cause) {
        throw cannotBind({ what: 'serve xDS on', at, variable: 'RONDO_REGISTRY_XDS_PORT', cause });
      }
    },
    drain: async (graceMs) => server?.drain(graceMs),
  };
}
