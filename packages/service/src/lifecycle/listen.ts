import type { Meter } from '@opentelemetry/api';
import type { ResponseCache } from '@rondo/cache';
import { ServerReflectionDefinition as ReflectionV1 } from '@rondo/contracts/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as ReflectionV1Alpha } from '@rondo/contracts/grpc/reflection/v1alpha/reflection';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { CallStatsServiceDefinition } from '@rondo/contracts/rondo/stats/v1/stats';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import type { Logger, ServerCall } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import {
  callLog,
  callMetrics,
  createAuthorize,
  type createLoopback,
  endExpiredStreams,
  type MutualTls,
  methodsOf,
  type ServiceDefinition,
  verifyPrincipals,
} from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import {
  type AppListener,
  createRouter,
  joinParts,
  type Part,
  type Router,
  type RpcServer,
  type ServiceImplementation,
  serve,
} from '@rondo/rpc/server';
import { formatHostPort } from '../config/parsers.js';
import { serviceErrors } from '../errors.js';
import { createHealth } from '../health.js';
import { applyToAdmission } from '../live-config/apply.js';
import { createCallStats } from '../load/call-stats.js';
import { createCpuMeter, createLoadMeter } from '../load/meter.js';
import { createLoadReports } from '../load/reports.js';
import { meterAdmission, meterConnections } from '../metrics/admission.js';
import type { MeteredPools } from '../metrics/pools.js';
import { createReflection } from '../reflection/reflection.js';
import type { Readiness, State } from '../state.js';
import type { Authenticator } from '../tokens.js';
import { authenticateCalls } from './authentication.js';
import { partsOf } from './former-app.js';
import { type Handover, whenFree } from './handover.js';
import type { App, ServiceRuntime } from './service.js';
import { cannotBind } from './startup-error.js';

/** What a process serves. */
interface ListenOptions {
  readonly app: WiredApp;
  /** The descriptor set that reflection serves; undefined if there is none. */
  readonly descriptorSet: Uint8Array | undefined;
  readonly readiness: State<Readiness>;
  readonly meter: Meter;
  readonly pools: MeteredPools;
  /** The channel that carries the calls of the process. */
  readonly channel: Pick<Channel, 'inspect' | 'ignoredSettings'>;
  readonly cache: Pick<ResponseCache, 'feeds'>;
  /** Carries the calls of the process to itself. */
  readonly loopback: ReturnType<typeof createLoopback>;
  /** Undefined without TLS. */
  readonly tls: MutualTls | undefined;
  /** Undefined if no credentials from outside are accepted. */
  readonly authenticator: Authenticator | undefined;
  /** They tell the spans and the log lines that the process keeps. */
  readonly kept: readonly ServiceImplementation[];
  readonly handover: Handover;
}

/**
 * Serves an app at `RONDO_LISTEN`, together with health, reflection, load reports and call statistics.
 *
 * @throws StartupError if the process can't listen there.
 */
export async function listen(runtime: ServiceRuntime, options: ListenOptions): Promise<RpcServer> {
  const { name, config, instanceId, startedAt, clock, wallClock, random, log, logLevel } = runtime;
  const {
    app,
    descriptorSet,
    readiness,
    meter,
    pools,
    channel,
    cache,
    loopback,
    tls: mutualTls,
    authenticator,
    kept,
    handover,
  } = options;
  const own = servicesOf(app);
  const { learnsLimits = true } = app;
  const standing = [...BUILT_IN, ...kept.map(({ definition }) => definition)];
  const always = standing.map(({ fullName }) => fullName);
  const health = createHealth({ readiness, services: own, always });
  const load = createLoadMeter({ clock, ignored: always, cpu: createCpuMeter(clock) });
  const reports = createLoadReports({ meter: load, readiness, clock });
  const parts = { instanceId, startedAt, clock, channel, cache, pools, identity: mutualTls?.identity };
  const stats = createCallStats({ ...parts, router: () => router, ignored: always });
  const builtIn = [health, reports, stats, ...kept];
  const services = [...own, ...builtIn.map(({ definition }) => definition.fullName)];
  const reflection = createReflection({ services, descriptorSet });
  const router: Router = createRouter({
    services: [...app.services, ...builtIn, ...reflection],
    telemetry: [load.middleware, callMetrics('server', { meter, clock })],
    middleware: serverChain({
      name,
      app,
      readiness,
      clock,
      logLevel,
      standing,
      auth: [
        ...(authenticator === undefined ? [] : [authenticateCalls(authenticator)]),
        ...(config.auth === 'on' ? authOf(app, mutualTls, runtime) : []),
      ],
    }),
    admission: { adaptive: learnsLimits, maxCalls: config.maxCalls },
    ...(app.outcomes && { outcomes: app.outcomes }),
    instanceId,
    logger: log,
    clock,
    wallClock,
    random,
  });
  loopback.open(router, { outcomes: app.outcomes, isReady: () => readiness.current.phase !== 'starting' });
  meterAdmission(meter, router.admission);
  applyToAdmission(runtime, { services: own, learnsLimits }, router.admission);
  const maxRequestBytes = config.maxRequestBytes ?? app.maxRequestBytes;
  try {
    const bounds = maxRequestBytes === undefined ? {} : { maxRequestBytes };
    const frames = config.transport !== 'grpc';
    const address = formatHostPort(config.listen);
    const served = { listen: address, clock, frames, mutualTls, ...bounds };
    const server = await whenFree(() => serve(router, served), handover);
    meterConnections(meter, server);
    return server;
  } catch (cause) {
    throw cannotBind({ what: 'listen on', at: config.listen, variable: 'RONDO_LISTEN', cause });
  }
}

/**
 * Starts the servers besides the gRPC server, in the order of the list. Returns their addresses. If one can't
 * listen, all of them and the gRPC server are closed.
 *
 * @throws StartupError of the server that can't listen.
 */
export async function listenAlso(
  server: RpcServer,
  { listeners }: WiredApp,
  { log, handover }: { readonly log: Logger; readonly handover: Handover },
): Promise<readonly string[]> {
  const open: Pick<AppListener, 'drain'>[] = [server];
  const addresses: string[] = [];
  try {
    for (const listener of listeners) {
      const { address } = await whenFree(() => listener.listen(), handover);
      open.push(listener);
      addresses.push(address);
      log.info({ address }, `also listening on ${address}`);
    }
    return addresses;
  } catch (error) {
    await Promise.allSettled(open.map((one) => one.drain(0)));
    throw error;
  }
}

/** An app to which its parts are joined. */
export type WiredApp = App & ReturnType<typeof joinParts> & { readonly parts: readonly Part[] };

/** Joins the parts of an app to it. The app's own services come first, and its own middleware is innermost. */
export function wire(app: App): WiredApp {
  const parts = partsOf(app);
  const { middleware = [], quiet = [] } = app;
  const joined = joinParts([...parts, { middleware, quiet }]);
  return { ...app, ...joined, services: [...app.services, ...joined.services], parts };
}

/** The fully qualified names of an app's services. */
export function servicesOf({ services }: Pick<App, 'services'>): readonly string[] {
  return services.map(({ definition }) => definition.fullName);
}

/** Services that every server has besides its own. They answer in every phase and aren't registered. */
const BUILT_IN = [
  HealthDefinition,
  ReflectionV1,
  ReflectionV1Alpha,
  OpenRcaServiceDefinition,
  CallStatsServiceDefinition,
];

/** The parts of the server's middleware chain. */
interface ChainOptions {
  readonly name: string;
  readonly app: WiredApp;
  readonly readiness: State<Readiness>;
  readonly logLevel: ServiceRuntime['logLevel'];
  readonly clock: Clock;
  /** The services that every server has besides its own. Only failures of their calls are logged: they come all the time. */
  readonly standing: readonly ServiceDefinition[];
  /** Finds out on whose behalf calls are made, and checks the callers of methods; empty while security is off. */
  readonly auth: readonly Middleware<ServerCall>[];
}

/**
 * The server's middleware chain, outermost first. The log is outside of the readiness gate, so that the gate's refusals are logged.
 * Refusals because of overload aren't, as they would add a line for each call. The app's own middleware is innermost.
 */
function serverChain(options: ChainOptions): readonly Middleware<ServerCall>[] {
  const { name, app, readiness, logLevel, clock, standing, auth } = options;
  const open: ReadonlySet<string> = new Set(standing.map(({ fullName }) => fullName));
  const paths = standing.flatMap((definition) => [...methodsOf(definition).values()].map(({ path }) => path));
  const aroundOwn =
    (middleware: Middleware<ServerCall>): Middleware<ServerCall> =>
    (call, next) =>
      open.has(call.method.service) ? next(call) : middleware(call, next);
  const everyCall = () => logLevel.current === 'debug' || logLevel.current === 'trace';
  return [
    callLog({ clock, everyCall, quiet: new Set([...paths, ...app.quiet]) }),
    createGate({ name, readiness, open: [...open] }),
    ...app.observers.map(aroundOwn),
    ...auth,
    ...(app.serverMiddleware ?? []),
    ...app.middleware.map(aroundOwn),
  ];
}

/** Says on whose behalf calls are made, and refuses those that the contracts don't allow. */
function authOf(
  { auth = {} }: App,
  tls: MutualTls | undefined,
  { clock, wallClock }: Pick<ServiceRuntime, 'clock' | 'wallClock'>,
): readonly Middleware<ServerCall>[] {
  const audience = tls?.identity.current.id.uri;
  const verify = audience === undefined ? [] : [verifyPrincipals({ audience, clock, wallClock })];
  return [...verify, createAuthorize(auth), endExpiredStreams({ clock, wallClock })];
}

/** Options of the readiness gate. */
interface GateOptions {
  /** The process's name, for the error message. */
  readonly name: string;
  readonly readiness: State<Readiness>;
  /** The services that answer in every phase, such as health and reflection. */
  readonly open: readonly string[];
}

/**
 * Refuses calls with `UNAVAILABLE` while the process waits for a dependency, so that no handler has to check for
 * it. A client that has another instance retries there, whatever the method. The reply doesn't name the dependency,
 * because its name contains an address; the log does.
 */
export function createGate({ name, readiness, open }: GateOptions): Middleware<ServerCall> {
  const always: ReadonlySet<string> = new Set(open);
  return (call, next) => {
    if (readiness.current.phase !== 'starting' || always.has(call.method.service)) return next(call);
    return Promise.reject(serviceErrors.NOT_READY({ name }));
  };
}
