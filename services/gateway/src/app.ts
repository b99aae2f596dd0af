import type { App, ServiceContext } from '@rondo/service';
import { type GatewayConfig, tlsFiles } from './config.js';
import type { Catalogue } from './discovery/catalogue.js';
import { gatewayService } from './gateway-service.js';
import type { HttpExchange } from './listener/exchange.js';
import { createListener } from './listener/listener.js';

/** Wires the gateway: the public port, and the contract for operators on the internal one. */
export function createApp({ log, clock, readiness }: GatewayContext, config: GatewayConfig): App {
  const { listen, plaintext, maxConnections: connections, maxConnectionsPerClient: connectionsPerClient } = config;
  const tls = tlsFiles(config);
  const catalogue: Pick<Catalogue, 'services'> = { services: [] };
  const listener = createListener({
    listen,
    handler: answer,
    ...(tls && { tls }),
    plaintext,
    limits: { connections, connectionsPerClient },
    leaving: () => readiness.current.phase === 'draining',
    log,
    clock,
  });
  return {
    services: [gatewayService(catalogue, () => ({ routes: [], disabledRoutes: [] }))],
    listeners: [listener],
  };
}

/** What the gateway needs of its process. */
export type GatewayContext = Pick<ServiceContext, 'log' | 'clock' | 'readiness'>;

/** Serves `/healthz` and nothing else, until the dispatch stands here. */
function answer(exchange: HttpExchange): void {
  exchange.respond(exchange.path === '/healthz' ? 200 : 404, {});
  exchange.end();
}
