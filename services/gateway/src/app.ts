import { createForwarder } from '@rondo/rpc/internal';
import type { App, ServiceContext } from '@rondo/service';
import { type GatewayConfig, tlsFiles } from './config.js';
import { createCatalogue, type LiveCatalogue } from './discovery/create-catalogue.js';
import { registeredInstances } from './discovery/instances.js';
import { createProxyCheck } from './edge/client-address.js';
import { createEdge } from './edge/edge.js';
import { holdUntilStarted } from './edge/hold.js';
import { gatewayService } from './gateway-service.js';
import { createHttpJson } from './http-json/http-json.js';
import type { HttpExchange } from './listener/exchange.js';
import { createListener } from './listener/listener.js';
import { createPages } from './pages/pages.js';
import { createBackend } from './protocols/backend.js';
import { createDispatch, type Dispatch } from './protocols/dispatch.js';
import { addMetadata, metadataOf } from './protocols/metadata.js';
import { createOwnServices } from './protocols/own-services.js';

/** What the gateway needs of its process. */
export type GatewayContext = Pick<
  ServiceContext,
  'authenticator' | 'channel' | 'clock' | 'descriptorSet' | 'log' | 'random' | 'readiness'
> &
  Partial<Pick<ServiceContext, 'meter'>>;

/**
 * Wires the gateway. A request passes the listener, the edge and the dispatch to the handler of its protocol, which
 * calls an instance. The operators' contract is served on the internal port.
 */
export function createApp(context: GatewayContext, config: GatewayConfig): App {
  const { log, clock, readiness } = context;
  const { listen, plaintext, maxConnections: connections, maxConnectionsPerClient: connectionsPerClient } = config;
  const tls = tlsFiles(config);
  const catalogue = discover(context, config);
  const draining = () => readiness.current.phase === 'draining';
  const isProxy = createProxyCheck(config.trustedProxies);
  const edge = createEdge({
    ...context,
    ...config,
    isProxy,
    mayTrace: createProxyCheck(config.trustedTracers),
    listenHost: listen.host,
    refuse: (exchange, error, status) => dispatch.refuse(exchange, error, status),
  });
  const handler = holdUntilStarted((exchange) => dispatch.handle(exchange), { catalogue, clock });
  const listener = createListener({
    listen,
    handler: edge.admit(handler),
    ...(tls && { tls }),
    plaintext,
    limits: { connections, connectionsPerClient },
    isProxy,
    leaving: draining,
    log,
    clock,
  });
  const dispatch = createProtocols(context, config, {
    catalogue,
    draining: listener.draining,
    clientOf: edge.clientOf,
    health: {
      get notReady() {
        if (draining()) return 'draining';
        return catalogue.started ? undefined : 'starting: the services are not known yet';
      },
    },
  });
  return {
    services: [gatewayService(catalogue)],
    listeners: [listener],
    stop: () => catalogue.close(),
  };
}

/** Follows the registry, and learns the contract of each instance from the instance itself. */
function discover({ channel, clock, random, log }: GatewayContext, { pathOwners }: GatewayConfig): LiveCatalogue {
  return createCatalogue({
    instances: registeredInstances(channel),
    connect: (instance) => channel.direct([instance]),
    follow: (service, policy) => channel.follow(service, policy),
    clock,
    random,
    log,
    pathOwners: pathOwners.map((text) => ({ path: text.replace(/=.*/, ''), owner: text.replace(/.*=/, '') })),
  });
}

/** What the protocols share. */
interface Surroundings {
  readonly catalogue: LiveCatalogue;
  readonly draining: AbortSignal;
  readonly clientOf: (exchange: HttpExchange) => string;
  readonly health: { readonly notReady: string | undefined };
}

function createProtocols(
  { channel, clock, descriptorSet, log, readiness, authenticator }: GatewayContext,
  { maxMessageBytes, servedBy }: GatewayConfig,
  { catalogue, draining, clientOf, health }: Surroundings,
): Dispatch {
  const ownServices = createOwnServices({ catalogue, readiness, descriptorSet, clock, log });
  const backend = createBackend({
    forward: createForwarder(channel),
    local: ownServices.router,
    instancesOf: (service) => catalogue.instancesOf(service),
    isAddress: (text) => catalogue.isAddress(text),
    clock,
    log,
  });
  const httpJson = createHttpJson({
    backend,
    metadataOf: (exchange) => metadataOf(exchange, { client: clientOf(exchange) }),
    addMetadata: (headers, metadata) => addMetadata(headers, metadata, { servedBy }),
    maxMessageBytes,
    draining,
    onFault: (error) => log.error({ err: error }, 'a request failed inside the gateway'),
  });
  return createDispatch({
    catalogue: {
      method: (path) => ownServices.method(path) ?? catalogue.method(path),
      route: (verb, path) => catalogue.route(verb, path),
    },
    backend,
    httpJson,
    pages: createPages({ catalogue, health, authenticates: authenticator !== undefined }),
    maxMessageBytes,
    servedBy,
    clientOf,
    draining,
    log,
    clock,
  });
}
