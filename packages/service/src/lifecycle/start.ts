import type { Attributes } from '@opentelemetry/api';
import { withTimeout } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import type { ChannelOptions } from '@rondo/rpc/client';
import { type Clock, type Random, systemClock, systemRandom, systemWallClock, type WallClock } from '@rondo/rpc/clock';
import { BalancingError, isOfEveryServer, LiveSettings, MissingPolicy, stopParts } from '@rondo/rpc/internal';
import type { Part } from '@rondo/rpc/server';
import { configure, describeMisspelling, secretsOf } from '../config/configure.js';
import { createMask } from '../config/secrets.js';
import type { SharedConfig } from '../config/shared.js';
import { ConfigurationError, type Environment, type Variables } from '../config/variables.js';
import { exporterAmong } from '../exporter.js';
import { applySettings } from '../live-config/apply.js';
import { consoleDestination, createLog, type LogOptions } from '../log.js';
import type { LogRing } from '../logs/log-ring.js';
import { startMetrics } from '../metrics/metrics.js';
import { askedPlugin, type Plugin } from '../plugin.js';
import { createState, type Readiness, readinessOf } from '../state.js';
import { openAuthentication } from './authentication.js';
import { loadDescriptors } from './descriptors.js';
import { openDirectory, registriesOf } from './directory.js';
import { drain, RELEASE_TIMEOUT_MS } from './drain.js';
import { type Handover, untilStarted } from './handover.js';
import { listen, listenAlso, servicesOf, wire } from './listen.js';
import { createOutgoing, type OutgoingOptions } from './outgoing.js';
import { runParts } from './parts.js';
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
  /** Whether it listens only when its parts have started, however long that takes. */
  readonly waits?: boolean;
  /** How long it waits for its dependencies, and then for the ports of the process that it replaces; 0, the default, if it replaces none. */
  readonly handoverMs?: number;
  /**
   * Called if it has a `handoverMs` or `waits`, once everything but the ports is ready. It resolves when the
   * other process is about to close them.
   */
  readonly onPrepared?: () => Promise<void>;
  /** Called with the parts of the app before they start. If it rejects, so does the start. */
  readonly onCreated?: ((parts: readonly Part[]) => Promise<void>) | undefined;
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
  /** Resolves when all parts have started; rejects with a StartupError if one has a fault that no later try can remove: drain it then. */
  readonly started: Promise<void>;
  /** Takes it out of service without failing a call, and ends it. Every call returns the same promise. */
  drain(): Promise<void>;
  /** Only deregisters, for a process that is about to crash. */
  deregister(): Promise<void>;
}

/**
 * Starts a service. When the promise resolves it listens. It is `NOT_SERVING` until its parts have started, and
 * registers in the background.
 *
 * @throws ConfigurationError that lists every fault of the environment; StartupError if an address can't be bound or a
 *   file can't be read.
 */
export async function startService<V extends Variables>(options: StartOptions<V>): Promise<RunningService> {
  const { name, environment = process.env, random = systemRandom, plugins = [] } = options;
  const { clock = systemClock, wallClock = systemWallClock } = options;
  const startedAt = wallClock.now();
  const { shared: config, own, misspellings, secrets } = configure(options, environment);
  const instanceId = config.instanceId ?? `${name}-${random.hex(3)}`;
  const logLevel = createState(config.logLevel);
  // Loaded on demand, as most processes keep none.
  const logBytes = Math.floor(config.recentBytes / 5);
  const logs = logBytes > 0 ? new (await import('../logs/log-ring.js')).LogRing(logBytes) : undefined;
  const keep = logs && ((line: string) => logs.add(line));
  const log = options.log ?? (await consoleLog({ name, instanceId, logLevel }, { secrets, keep }));
  for (const misspelling of misspellings) log.warn({}, describeMisspelling(misspelling));
  const settings = createState(new LiveSettings([]));
  const given = { name, config, instanceId, startedAt, clock, wallClock, random, log, plugins };
  const runtime: ServiceRuntime = { ...given, logLevel, settings };
  const parts: Part[] = [];
  const handover = { clock, timeoutMs: options.handoverMs ?? 0 };
  try {
    const createApp = (context: ServiceContext) => options.createApp(context, own);
    return await assemble(runtime, { ...options, environment, secrets, createApp, parts, logs, handover });
  } catch (error) {
    // Its failure must not hide why the service doesn't start, and nor must a part that never stops.
    await withTimeout(() => stopParts({ parts }, { clock }), { clock, timeoutMs: RELEASE_TIMEOUT_MS }).catch((fault) =>
      log.warn({ err: fault }, 'what had been opened could not be closed'),
    );
    throw asConfigurationError(error, config);
  }
}

/** Replaces the secrets of a service's environment in text. */
export function maskFor<V extends Variables>(options: ServiceOptions<V>): (text: string) => string {
  return createMask(secretsOf(options, process.env));
}

/**
 * A balancing policy that doesn't suit a contract is a fault of the configuration, and so is a policy whose plugin is missing. They
 * show only when the app creates the client.
 */
function asConfigurationError(error: unknown, { balancing }: SharedConfig): unknown {
  if (error instanceof MissingPolicy) return new ConfigurationError([error.message]);
  return balancing !== undefined && error instanceof BalancingError
    ? new ConfigurationError([`RONDO_BALANCING: ${error.message}`])
    : error;
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
function pushOf(config: SharedConfig, plugins: readonly Plugin[]) {
  const { metricsExporter, otlpMetricsProtocol, otlpProtocol: protocol, metricsIntervalMs: intervalMs } = config;
  if (metricsExporter === 'none') return undefined;
  const exporter = exporterAmong(plugins, 'OTEL_METRICS_EXPORTER');
  return { exporter, protocol: otlpMetricsProtocol ?? protocol, intervalMs };
}

/** What a collector knows the process by. */
function resourceOf({ name, instanceId, config }: ServiceRuntime): Attributes {
  const [region, zone] = config.zone === undefined ? [] : config.zone.split('/');
  return {
    'service.name': name,
    'service.instance.id': instanceId,
    'process.pid': process.pid,
    ...(config.version !== '' && { 'service.version': config.version }),
    ...(region !== undefined && { 'cloud.region': region }),
    ...(zone !== undefined && { 'cloud.availability_zone': zone }),
  };
}

interface AssembleOptions
  extends Pick<
    StartOptions<Variables>,
    'register' | 'waits' | 'onPrepared' | 'onCreated' | 'maxReplyBytes' | 'cacheBytes'
  > {
  readonly environment: Environment;
  readonly secrets: readonly string[];
  readonly createApp: (context: ServiceContext) => App;
  readonly handover: Handover;
  readonly logs: LogRing | undefined;
  /** What the process has opened so far, in this order. */
  readonly parts: Part[];
}

/** Puts a process together, from its certificate to its registration. */
async function assemble(runtime: ServiceRuntime, options: AssembleOptions): Promise<RunningService> {
  const { parts, register: registers = true, waits = false, onPrepared, handover } = options;
  const { config, instanceId, clock, random, log } = runtime;
  requireClosed(config);
  requireIdentities(config);
  const trust = await openTrust(runtime, parts);
  const telemetry = await observe(runtime, options);
  if (trust.tls !== undefined) meterTls(telemetry.meter, trust.tls, runtime.wallClock);
  const calls = await openCalls(runtime, { ...options, ...trust, ...telemetry });

  const readiness = createState<Readiness>({ phase: 'starting', waitingFor: [] });
  const app = wire(options.createApp(contextOf(runtime, { ...trust, ...telemetry, ...calls, readiness })));
  parts.push(...app.parts);
  await options.onCreated?.(app.parts);
  requireDecision(config, { ...app, services: [...app.services, ...telemetry.kept] }, log);
  const services = servicesOf(app).filter((service) => !isOfEveryServer(service));
  calls.resolveSelf(registers && services[0] !== undefined ? { service: services[0], instanceId } : undefined);

  const onChange = (away: readonly string[]) => readiness.set(readinessOf(away));
  const { started, stopChecks } = runParts({ parts, onChange, clock, random, log });
  parts.push({ name: 'the checks', stop: stopChecks });
  if (waits || handover.timeoutMs > 0) {
    await untilStarted(started, readiness, waits ? { clock } : handover);
    await onPrepared?.();
  }

  const server = await listen(runtime, { ...trust, ...telemetry, ...calls, app, readiness, handover });
  const { address } = server;
  const { address: metricsAddress } = telemetry.metrics;
  log.info({ address, tls: server.tls, metrics: metricsAddress, services }, `listening on ${address}`);
  const listenerAddresses = await listenAlso(server, app, { log, handover });
  if (registers) parts.push({ name: 'the settings', stop: applySettings(runtime, { services, ...calls, ...trust }) });
  const registration = registers ? register(runtime, { ...trust, ...calls, services, server, readiness }) : undefined;

  const { drainWaitMs: waitMs, drainGraceMs: graceMs } = config;
  const release = () => stopParts({ parts }, { clock });
  const { listeners } = app;
  const served = {
    drain: async (ms: number) => void (await Promise.all([server.drain(ms), calls.loopback.drain(ms)])),
  };
  const ending = {
    readiness,
    registration,
    server: served,
    listeners,
    stopChecks,
    release,
    waitMs,
    graceMs,
    clock,
    log,
  };
  let drained: Promise<void> | undefined;
  return {
    address,
    listenerAddresses,
    metricsAddress,
    instanceId,
    log,
    started,
    drain() {
      drained ??= drain(ending);
      return drained;
    },
    deregister: async () => registration?.close(),
  };
}

/** Reads the contracts and the certificate of the process, and what verifies credentials from outside. */
async function openTrust(runtime: ServiceRuntime, parts: Part[]) {
  const { config, clock, wallClock, log } = runtime;
  const descriptorSet = loadDescriptors(config.descriptors, log);
  const tls = openTls(config, { descriptorSet, clock, wallClock, log });
  parts.push({ name: 'the certificate', stop: () => tls?.identity.close() });
  const authenticator = await openAuthentication(runtime);
  parts.push({ name: 'the authenticator', stop: () => authenticator?.close() });
  return { descriptorSet, tls, authenticator };
}

/** Starts the metrics of the process, and its traces if a variable asks for them. `kept` tells spans and lines that it keeps. */
async function observe(runtime: ServiceRuntime, { environment, secrets, parts, logs, handover }: AssembleOptions) {
  const { config, instanceId, clock, log, plugins } = runtime;
  const exported = { resource: resourceOf(runtime), environment, clock, log };
  const push = pushOf(config, plugins);
  const metrics = await startMetrics({ ...exported, listen: config.metrics, push, handover });
  parts.push({ name: 'the metrics', stop: metrics.close });
  const { meter, pools } = metrics;
  const kept = logs ? [(await import('../logs/log-service.js')).createLogService(logs, instanceId)] : [];
  const isTraced = config.recentBytes > 0 || Object.keys(environment).some((variable) => variable.startsWith('OTEL_'));
  if (!isTraced) return { metrics, pools, meter, kept };
  // Loaded on demand, as most processes aren't traced.
  const { startTracing } = await import('../tracing/tracing.js');
  const tracing = await startTracing({ ...exported, runtime, secrets, plugins, meter });
  parts.push({ name: 'the traces', stop: tracing.close });
  return { metrics, pools, meter, kept: tracing.service ? [tracing.service, ...kept] : kept };
}

/** Opens the registry, and the channel to other services. */
async function openCalls(runtime: ServiceRuntime, options: Omit<OutgoingOptions, 'self' | 'directory'>) {
  // The channel needs the app's service, and the app needs the channel: the service follows later.
  let resolveSelf: (self: Awaited<ChannelOptions['self']>) => void = () => undefined;
  const self = new Promise<Awaited<ChannelOptions['self']>>((resolve) => {
    resolveSelf = resolve;
  });
  const directory = await openDirectory(runtime, options.tls);
  options.parts.push({ name: 'the registry', stop: () => directory?.close() });
  return { directory, resolveSelf, ...(await createOutgoing(runtime, { ...options, self, directory })) };
}

/** What the app receives. */
function contextOf(
  { config, log, instanceId, clock, wallClock, random, plugins }: ServiceRuntime,
  {
    descriptorSet,
    ...opened
  }: Omit<ServiceContext, keyof ServiceRuntime | 'registry' | 'mayServe' | 'plugin' | 'topics'>,
): ServiceContext {
  const plugin = (kind: string) => askedPlugin(kind, config, plugins);
  const own = { log, instanceId, clock, wallClock, random, registry: registriesOf(config), plugin };
  return { ...own, ...opened, descriptorSet, mayServe: createMayServe(descriptorSet), topics: () => plugin('broker') };
}
