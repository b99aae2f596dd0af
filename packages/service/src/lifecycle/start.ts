import type { Logger } from '@rondo/rpc/call';
import { type Clock, type Random, systemClock, systemRandom, systemWallClock, type WallClock } from '@rondo/rpc/clock';
import { BalancingError, LiveSettings, type Self } from '@rondo/rpc/internal';
import { configure, describeMisspelling, secretsOf } from '../config/configure.js';
import { createMask } from '../config/secrets.js';
import type { SharedConfig } from '../config/shared.js';
import { ConfigurationError, type Environment, type Variables } from '../config/variables.js';
import { applySettings } from '../live-config/apply.js';
import { consoleDestination, createLog, type LogOptions } from '../log.js';
import type { LogRing } from '../logs/log-ring.js';
import { startMetrics } from '../metrics/metrics.js';
import { meterPools } from '../metrics/pools.js';
import { createState, type Readiness, readinessOf } from '../state.js';
import { openAuthentication } from './authentication.js';
import { watchDependencies } from './dependencies.js';
import { loadDescriptors } from './descriptors.js';
import { openDirectory, registriesOf } from './directory.js';
import { createResources, drain, type Resources } from './drain.js';
import { untilServing } from './handover.js';
import { listen, listenBeside, servicesOf } from './listen.js';
import { createOutgoing } from './outgoing.js';
import { register } from './register.js';
import type { App, ServiceContext, ServiceOptions, ServiceRuntime } from './service.js';
import { createMayServe, meterTls, openTls, requireClosed, requireDecision, requireIdentities } from './tls.js';

/** Options of a service in this process; a test replaces its environment, clocks and log. */
export interface StartOptions<V extends Variables> extends ServiceOptions<V> {
  /** `process.env` by default. */
  readonly environment?: Environment;
  readonly clock?: Clock;
  readonly wallClock?: WallClock;
  readonly random?: Random;
  /** By default standard output, at `RONDO_LOG_LEVEL`. */
  readonly log?: Logger;
  /** Whether it listens only when its dependencies have answered, however long that takes. */
  readonly waits?: boolean;
  /**
   * Called if `RONDO_HANDOVER_MS` is set or it `waits`, once everything but the ports is ready. It resolves when the
   * other process is about to close them.
   */
  readonly onPrepared?: () => Promise<void>;
}

/** A service that runs in this process. */
export interface RunningService {
  /** The address that it listens on, as `host:port`. */
  readonly address: string;
  /** The addresses of the app's `listeners`, in their order. */
  readonly listenerAddresses: readonly string[];
  /** The address of its metrics, as `host:port`; undefined if metrics are off. */
  readonly metricsAddress: string | undefined;
  readonly instanceId: string;
  readonly log: Logger;
  /** Rejects with a StartupError if a dependency has a fault that no later try can remove. */
  readonly hopeless: Promise<never>;
  /** Takes it out of service without failing a call, and ends it. Every call returns the same promise. */
  drain(): Promise<void>;
  /** Only deregisters, for a process that is about to crash. */
  deregister(): Promise<void>;
}

/**
 * Starts a service. When the promise resolves it listens. It is `NOT_SERVING` until its dependencies answer, and
 * registers in the background.
 *
 * @throws ConfigurationError that lists every fault of the environment; StartupError if an address can't be bound or a
 *   file can't be read.
 */
export async function startService<V extends Variables>(options: StartOptions<V>): Promise<RunningService> {
  const { name, environment = process.env, random = systemRandom } = options;
  const { clock = systemClock, wallClock = systemWallClock } = options;
  const startedAt = wallClock.now();
  const { shared: config, own, misspellings, secrets } = configure(options, environment);
  const instanceId = config.instanceId ?? `${name}-${random.hex(3)}`;
  const logLevel = createState(config.logLevel);
  // Loaded on demand, as most processes keep none.
  const logs = config.logBytes > 0 ? new (await import('../logs/log-ring.js')).LogRing(config.logBytes) : undefined;
  const keep = logs && ((line: string) => logs.add(line));
  const log = options.log ?? (await consoleLog({ name, instanceId, logLevel }, { secrets, keep }));
  for (const misspelling of misspellings) log.warn({}, describeMisspelling(misspelling));
  const settings = createState(new LiveSettings([]));
  const given = { name, config, instanceId, startedAt, clock, wallClock, random, log };
  const runtime: ServiceRuntime = { ...given, logLevel, settings };
  const resources = createResources();
  try {
    const createApp = (context: ServiceContext) => options.createApp(context, own);
    const maxReplyBytes = config.maxReplyBytes ?? options.maxReplyBytes;
    const { register: registers = true, waits = false, onPrepared = () => Promise.resolve() } = options;
    const parts = { environment, secrets, createApp, maxReplyBytes, registers, resources, waits, onPrepared, logs };
    return await assemble(runtime, parts);
  } catch (error) {
    // Its failure must not hide why the service doesn't start.
    await resources.release().catch((fault) => log.warn({ err: fault }, 'what had been opened could not be closed'));
    throw config.balancing === undefined ? error : asConfigurationError(error);
  }
}

/** Replaces the secrets of a service's environment in text. */
export function maskFor<V extends Variables>(options: ServiceOptions<V>): (text: string) => string {
  return createMask(secretsOf(options, process.env));
}

/**
 * A balancing policy that doesn't suit a contract is a fault of the configuration. It shows only when the app creates
 * the client.
 */
function asConfigurationError(error: unknown): unknown {
  return error instanceof BalancingError ? new ConfigurationError([`RONDO_BALANCING: ${error.message}`]) : error;
}

async function consoleLog(
  { name: service, instanceId, logLevel }: Pick<ServiceRuntime, 'name' | 'instanceId' | 'logLevel'>,
  kept: Pick<LogOptions, 'secrets' | 'keep'>,
): Promise<Logger> {
  const destination = await consoleDestination();
  const log = createLog({ service, instanceId, level: logLevel.current, ...kept, ...(destination && { destination }) });
  logLevel.subscribe((level) => {
    log.level = level;
  });
  return log;
}

/** How the process sends its metrics; undefined if it doesn't. */
function pushOf({ metricsExporter, otlpMetricsProtocol, otlpProtocol, metricsIntervalMs }: SharedConfig) {
  if (metricsExporter === 'none') return undefined;
  return { protocol: otlpMetricsProtocol ?? otlpProtocol, intervalMs: metricsIntervalMs };
}

interface AssembleOptions {
  readonly environment: Environment;
  readonly secrets: readonly string[];
  readonly createApp: (context: ServiceContext) => App;
  readonly maxReplyBytes: number | undefined;
  readonly registers: boolean;
  readonly resources: Resources;
  readonly waits: boolean;
  readonly onPrepared: () => Promise<void>;
  readonly logs: LogRing | undefined;
}

/** Starts the metrics of the process, and its traces if a variable asks for them. Returns what tells spans and lines that it keeps, too. */
async function observe(
  runtime: ServiceRuntime,
  { environment, secrets, resources, logs }: Pick<AssembleOptions, 'environment' | 'secrets' | 'resources' | 'logs'>,
) {
  const { config, name, instanceId, clock, log } = runtime;
  const metrics = await startMetrics({
    listen: config.metrics,
    push: pushOf(config),
    resource: { name, instanceId, version: config.version },
    handover: { clock, timeoutMs: config.handoverMs },
    log,
  });
  resources.hold(metrics.close);
  const isAsked = config.traceBytes > 0 || Object.keys(environment).some((variable) => variable.startsWith('OTEL_'));
  const lines = logs ? [(await import('../logs/log-service.js')).createLogService(logs, instanceId)] : [];
  if (!isAsked) return { metrics, kept: lines };
  // Loaded on demand, as most processes aren't traced.
  const { startTracing } = await import('../tracing/tracing.js');
  const tracing = await startTracing({ runtime, environment, secrets, meter: metrics.meter, log });
  resources.hold(tracing.close);
  return { metrics, kept: tracing.service ? [tracing.service, ...lines] : lines };
}

async function assemble(runtime: ServiceRuntime, options: AssembleOptions): Promise<RunningService> {
  const { createApp, maxReplyBytes, registers, resources, waits, onPrepared } = options;
  const { config, instanceId, clock, wallClock, random, log } = runtime;
  requireClosed(config);
  requireIdentities(config);
  const descriptorSet = loadDescriptors(config.descriptors, log);
  const tls = openTls(config, { descriptorSet, clock, wallClock, log });
  resources.hold(() => tls?.identity.close());
  const authenticator = await openAuthentication(config, { clock, wallClock, log });
  resources.hold(() => authenticator?.close());
  const handover = { clock, timeoutMs: config.handoverMs };
  const { metrics, kept } = await observe(runtime, options);
  const pools = meterPools(metrics.meter);
  const { meter } = pools;
  if (tls !== undefined) meterTls(meter, tls, wallClock);
  // The channel needs the app's service, and the app needs the channel: the service follows later.
  let resolveSelf: (self: Self | undefined) => void = () => undefined;
  const self = new Promise<Self | undefined>((resolve) => {
    resolveSelf = resolve;
  });
  const directory = await openDirectory(runtime, tls);
  resources.hold(() => directory?.close());
  const calls = { meter, maxReplyBytes, descriptorSet, tls, self, directory, resources };
  const { channel, cache } = await createOutgoing(runtime, calls);
  const readiness = createState<Readiness>({ phase: 'starting', waitingFor: [] });
  const mayServe = createMayServe(descriptorSet);
  const own = { log, channel, registry: registriesOf(config), cache, instanceId, clock, wallClock, random, readiness };
  const app = createApp({ ...own, descriptorSet, mayServe, meter, authenticator, topics: config.topics });
  resources.hold(() => app.stop?.());
  requireDecision(config, { ...app, services: [...app.services, ...kept] }, log);
  const { dependencies = [] } = app;
  const services = servicesOf(app);
  const [service] = services;
  resolveSelf(registers && service !== undefined ? { service, instanceId } : undefined);
  readiness.set(readinessOf(dependencies.map(({ name }) => name)));
  const onChange = (away: readonly string[]) => readiness.set(readinessOf(away));
  let onHopeless: (error: Error) => void = () => undefined;
  const hopeless = new Promise<never>((_, reject) => {
    onHopeless = reject;
  });
  hopeless.catch(() => undefined); // the process may have ended by then
  const stopChecks = watchDependencies({ dependencies, onChange, onHopeless, clock, random, log });
  resources.hold(stopChecks);
  if (waits || handover.timeoutMs > 0) {
    await Promise.race([untilServing(readiness, waits ? { clock } : handover), hopeless]);
    await onPrepared();
  }
  const served = { app, descriptorSet, readiness, meter, pools, channel, cache, tls, authenticator, kept };
  const server = await listen(runtime, served);
  const { address } = server;
  log.info({ address, tls: server.tls, metrics: metrics.address, services }, `listening on ${address}`);
  const { listeners = [] } = app;
  const listenerAddresses = await listenBeside(server, app, { log, handover });

  if (registers) resources.hold(applySettings(runtime, { services, channel, tls }));
  const entry = { services, descriptorSet, server, readiness, tls, directory };
  const registration = registers ? register(runtime, entry) : undefined;

  const { drainWaitMs: waitMs, drainGraceMs: graceMs } = config;
  const { release } = resources;
  const parts = { readiness, registration, server, listeners, stopChecks, release, waitMs, graceMs, clock, log };
  let drained: Promise<void> | undefined;
  return {
    address,
    listenerAddresses,
    metricsAddress: metrics.address,
    instanceId,
    log,
    hopeless,
    drain() {
      drained ??= drain(parts);
      return drained;
    },
    deregister: async () => registration?.close(),
  };
}
