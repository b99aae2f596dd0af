import { createFleet, createGatherer } from '@rondo/operate/internal';
import { createForwarder } from '@rondo/rpc/internal';
import { type App, formatHostPort, type HostPort, type ServiceContext } from '@rondo/service';
import { consoleAddress, type GatewayConfig, tlsFiles, variables } from './config.js';
import { consoleService } from './console/console-service.js';
import { guardConsole } from './console/gate.js';
import { createCatalogue, type LiveCatalogue } from './discovery/create-catalogue.js';
import { registeredInstances } from './discovery/instances.js';
import { createOperations } from './discovery/operations.js';
import { createProxyCheck } from './edge/client-address.js';
import { createEdge, type Edge } from './edge/edge.js';
import { holdUntilStarted } from './edge/hold.js';
import { gatewayService } from './gateway-service.js';
import { createHttpJson } from './http-json/http-json.js';
import type { HttpExchange } from './listener/exchange.js';
import { createListener } from './listener/listener.js';
import { createConsole } from './pages/console.js';
import { createPages } from './pages/pages.js';
import { createServicePages, type ServicePages } from './pages/service-pages.js';
import { type Backend, createBackend } from './protocols/backend.js';
import { createDispatch, type Dispatch } from './protocols/dispatch.js';
import { createOwnServices } from './protocols/own-services.js';
import { announceIssuers, createToolsEndpoint } from './tools/endpoint.js';
import { openTools } from './tools/open.js';
import { createMethodTools } from './tools/tools.js';

/** What the gateway needs of its process. */
export type GatewayContext = Pick<
  ServiceContext,
  'authenticator' | 'channel' | 'clock' | 'descriptorSet' | 'log' | 'random' | 'readiness' | 'wallClock'
> &
  Partial<Pick<ServiceContext, 'instanceId' | 'meter' | 'registry'>>;

/**
 * Wires the gateway. A request passes the listener, the edge and the dispatch to the handler of its protocol, which
 * calls an instance. The operators' contract is served on the internal port, and the console where its variable says: on the public
 * port or on one of its own.
 */
export function createApp(context: GatewayContext, config: GatewayConfig): App {
  const { readiness } = context;
  const { listen } = config;
  const console = consoleAddress(config, context.authenticator !== undefined);
  const catalogue = discover(context, config);
  const isProxy = createProxyCheck(config.trustedProxies);
  const edge = createEdge({
    ...context,
    ...config,
    rate: rateOf(config),
    hosts: console === undefined ? config.hosts : [...config.hosts, console.host],
    isProxy,
    mayTrace: createProxyCheck(config.trustedTracers),
    listenHost: listen.host,
    refuse: (exchange, error, status) => open.dispatch.refuse(exchange, error, status),
  });
  const draining = () => readiness.current.phase === 'draining';
  const fleet = console && createFleet(context);
  const shared = { catalogue, edge, isProxy, draining };
  const agents = openTools(config);
  const isShared = console !== undefined && formatHostPort(console) === formatHostPort(listen);
  const open = createPort(context, config, {
    ...shared,
    listen,
    services: createServicePages(config.pages),
    agents,
    ...(isShared && { fleet }),
  });
  const own =
    console === undefined || isShared ? undefined : { listen: console, variable: variables.console.name, fleet };
  return {
    services: [gatewayService(catalogue)],
    parts: [
      { name: 'the tools of agents', start: async () => void (await agents) },
      { name: 'the fleet', start: async () => fleet?.keepFigures(), stop: () => fleet?.close() },
      {
        name: 'the catalogue',
        listeners: [open.listener, ...(own ? [createPort(context, config, { ...shared, ...own }).listener] : [])],
        stop: () => catalogue.close(),
      },
    ],
  };
}

/** How many requests a client may send; undefined for any number. */
const rateOf = ({ limits: { 'client-rate': perSecond, 'client-burst': burst } }: GatewayConfig) =>
  perSecond === 0 ? undefined : { perSecond, burst: burst || perSecond };

interface Port {
  readonly listen: HostPort;
  /** The variable with that address, if it isn't the public port's. */
  readonly variable?: string;
  readonly catalogue: LiveCatalogue;
  readonly edge: Edge;
  readonly isProxy: (address: string) => boolean;
  /** Whether the process is about to stop. */
  readonly draining: () => boolean;
  /** What the console shows; undefined for a port without it. */
  readonly fleet?: ReturnType<typeof createFleet> | undefined;
  /** The pages of services; undefined for a port without them. */
  readonly services?: ServicePages;
  /** Serves agents; undefined for a port without tools. */
  readonly agents?: ReturnType<typeof openTools>;
}

/** Creates a listener, and what serves its requests. */
function createPort(context: GatewayContext, config: GatewayConfig, port: Port) {
  const { catalogue, edge, listen, fleet, services, agents, draining, isProxy } = port;
  const { clock, log } = context;
  const { plaintext, limits } = config;
  const tls = tlsFiles(config);
  const refuse: Dispatch['refuse'] = (exchange, error, status) => dispatch.refuse(exchange, error, status);
  const held = holdUntilStarted((exchange) => dispatch.handle(exchange), { catalogue, clock });
  const handler =
    fleet === undefined ? held : guardConsole(held, { listenHost: listen.host, hosts: config.hosts, refuse });
  const admitted = edge.admit(handler);
  const listener = createListener({
    ...port,
    handler: agents === undefined ? admitted : announceIssuers(admitted, context.authenticator ?? {}),
    ...(tls && { tls }),
    plaintext,
    limits: { connections: limits.connections, connectionsPerClient: limits['client-connections'] },
    isProxy,
    clientOf: edge.shareOf,
    leaving: draining,
    log,
    clock,
  });
  const dispatch = createProtocols(context, config, {
    catalogue,
    fleet,
    services,
    agents,
    refuse,
    draining: listener.draining,
    clientOf: edge.clientOf,
    health: {
      get notReady() {
        if (draining()) return 'draining';
        return catalogue.started ? undefined : 'starting: the services are not known yet';
      },
    },
  });
  return { listener, dispatch };
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
  readonly fleet: ReturnType<typeof createFleet> | undefined;
  readonly services: ServicePages | undefined;
  readonly agents: ReturnType<typeof openTools>;
  readonly refuse: Dispatch['refuse'];
}

function createProtocols(
  { channel, clock, descriptorSet, log, readiness, authenticator, instanceId = '', registry = [] }: GatewayContext,
  { maxMessageBytes, launcher, dashboards }: GatewayConfig,
  { catalogue, draining, clientOf, health, fleet, services, agents, refuse }: Surroundings,
): Dispatch {
  // Operators may know which instance answers.
  const servedBy = fleet !== undefined;
  const authenticates = authenticator !== undefined;
  const restart = { launcher, ownId: instanceId };
  const asked = { gatherer: createGatherer({ channel, clock }), clock, channel, registry, restart, dashboards };
  const console = fleet && consoleService({ fleet, ...asked });
  const ownServices = createOwnServices({
    catalogue,
    readiness,
    descriptorSet,
    clock,
    log,
    console,
    authenticates,
  });
  const operations = createOperations(catalogue, (path) => ownServices.method(path));
  const passOn = createBackend({
    forward: createForwarder(channel),
    local: ownServices.router,
    instancesOf: (service) => catalogue.instancesOf(service),
    isAddress: (text) => catalogue.isAddress(text),
    clock,
    log,
  });
  const backend: Backend = async (call) => passOn(operations.redirect(call));
  const calls = { backend, maxMessageBytes, servedBy, clientOf, draining, log, clock };
  const pages = createPages({ catalogue, health, authenticates, console: fleet && createConsole(), services });
  const tools = createMethodTools({ catalogue, authenticates, log, operations });
  const endpoint = agents && createToolsEndpoint({ ...calls, tools, serve: agents, authenticator, refuse });
  return createDispatch({
    catalogue: {
      method: (path) => operations.method(path) ?? ownServices.method(path) ?? catalogue.method(path),
      route: (verb, path) => catalogue.route(verb, path) ?? operations.route(verb, path),
      learning: (service) => catalogue.learning(service),
      onChange: (listener) => catalogue.onChange(listener),
    },
    ...calls,
    httpJson: createHttpJson(calls),
    pages: (exchange) => endpoint?.(exchange) === true || pages(exchange),
  });
}
