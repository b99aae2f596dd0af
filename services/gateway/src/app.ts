import type { App, ServiceContext } from '@rondo/service';
import { type GatewayConfig, tlsFiles } from './config.js';
import type { Catalogue } from './discovery/catalogue.js';
import { gatewayService } from './gateway-service.js';
import { placeholderListener } from './listener/placeholder.js';

/** Wires the gateway: the public port, and the contract for operators on the internal one. */
export function createApp({ log }: Pick<ServiceContext, 'log'>, config: GatewayConfig): App {
  tlsFiles(config);
  const catalogue: Pick<Catalogue, 'services'> = { services: [] };
  const listener = placeholderListener(config.listen);
  void listener.listen().then(({ address }) => log.info({ address }, `public port at ${address}`));
  return {
    services: [gatewayService(catalogue, () => ({ routes: [], disabledRoutes: [] }))],
    stop: () => listener.drain(0),
  };
}
