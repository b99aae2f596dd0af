import type { Logger } from '@rondo/rpc/call';
import { BalancingError, createRegistryChannel, type Self } from '@rondo/rpc/client';
import { type Clock, type Random, systemClock, systemRandom, systemWallClock, type WallClock } from '@rondo/rpc/clock';
import { folderStorage } from '@rondo/rpc/resolver';
import { callMetrics } from '@rondo/rpc/telemetry';
import { ConfigurationError, type Environment, type Variables } from '../config/variables.js';
import { describeMisspelling, configure } from '../config/configure.js';
import { formatHostPort } from '../config/parsers.js';
import type { SharedConfig } from '../config/shared.js';
import { watchDependencies } from './dependencies.js';
import { consoleDestination, createLog } from '../log.js';
import { meterBalancing, meterDiscovery, startMetrics } from '../metrics/metrics.js';
import { createState, readinessOf } from '../state.js';
import { loadDescriptors } from './descriptors.js';
import { drain, createResources, type Resources } from './drain.js';
import { listen, servicesOf } from './listen.js';
import { register } from './register.js';
import type { ServiceRuntime, App, ServiceContext, ServiceOptions } from './service.js';

/** What a service is started from; a test brings its own surroundings. */
export interface StartOptions<V extends Variables> extends ServiceOptions<V> {
  /** `process.env` by default. */
  readonly environment?: Environment;
  readonly clock?: Clock;
  readonly wallClock?: WallClock;
  readonly random?: Random;
  /** Standard output by default, at `RONDO_LOG_LEVEL`. */
  readonly log?: Logger;
}

/** A service that runs in this process. */
export interface RunningService {
  /** Where it listens, as `host:port`. */
  readonly address: string;
  /** Where its metrics are, as `host:port`; undefined where they aren't kept. */
  readonly metricsAddress: string | undefined;
  readonly instanceId: string;
  readonly log: Logger;
  /** Takes it out of service without failing a call, and ends it; the same promise however often it is called. */
  drain(): Promise<void>;
  /** Says goodbye to the registry and nothing else: for a process that is about to die. */
  leave(): Promise<void>;
}

/**
 * Starts a service. From here on it listens; it is `NOT_SERVING` until its dependencies are there, and registers by
 * itself.
 *
 * @throws ConfigurationError that lists all that is wrong with its environment; StartupError where an address can't
 *   be bound or a file can't be read.
 */
export async function startService<V extends Variables>(options: StartOptions<V>): Promise<RunningService> {
  const { name, environment = process.env, random = systemRandom } = options;
  const { clock = systemClock, wallClock = systemWallClock } = options;
  const startedAt = wallClock.now();
  const { shared: config, own, misspellings } = configure(options, environment);
  const instanceId = config.instanceId ?? `${name}-${random.hex(3)}`;
  const log = options.log ?? (await consoleLog(name, instanceId, config));
  for (const misspelling of misspellings) log.warn({}, describeMisspelling(misspelling));
  const scene: ServiceRuntime = { name, config, instanceId, startedAt, clock, wallClock, random, log };
  const resources = createResources();
  try {
    const createApp = (context: ServiceContext) => options.createApp(context, own);
    const maxReplyBytes = config.maxReplyBytes ?? options.maxReplyBytes;
    return await assemble(scene, { createApp, maxReplyBytes, registers: options.register ?? true, resources });
  } catch (error) {
    await resources.release();
    throw config.balancing === undefined ? error : blameBalancing(error);
  }
}

/** What one that calls a service finds out when it binds its client is a fault of the configuration, too. */
function blameBalancing(error: unknown): unknown {
  return error instanceof BalancingError ? new ConfigurationError([`RONDO_BALANCING: ${error.message}`]) : error;
}

async function consoleLog(service: string, instanceId: string, { logLevel }: SharedConfig): Promise<Logger> {
  const destination = await consoleDestination();
  return createLog({ service, instanceId, level: logLevel, ...(destination && { destination }) });
}

interface AssembleOptions {
  readonly createApp: (context: ServiceContext) => App;
  readonly maxReplyBytes: number | undefined;
  readonly registers: boolean;
  readonly resources: Resources;
}

async function assemble(scene: ServiceRuntime, options: AssembleOptions): Promise<RunningService> {
  const { createApp, maxReplyBytes, registers, resources } = options;
  const { config, instanceId, clock, wallClock, random, log } = scene;
  const metrics = await startMetrics(config.metrics);
  resources.hold(metrics.close);
  // The app needs the channel before it can say what it serves.
  let introduce: (self: Self | undefined) => void = () => undefined;
  const self = new Promise<Self | undefined>((resolve) => {
    introduce = resolve;
  });
  const channel = createRegistryChannel({
    registry: config.registry.map(formatHostPort),
    middleware: [callMetrics('client', { meter: metrics.meter, clock })],
    clock,
    wallClock,
    random,
    logger: log,
    zone: config.zone,
    ...(config.balancing && { balancing: config.balancing }),
    maxReplyBytes,
    compression: config.compression,
    self,
    ...(config.registryCache !== undefined && { storage: folderStorage(config.registryCache, random) }),
  });
  resources.hold(() => channel.close());
  meterDiscovery(metrics.meter, channel);
  meterBalancing(metrics.meter, channel);
  const app = createApp({ log, channel, instanceId, clock, wallClock, random, meter: metrics.meter });
  resources.hold(() => app.stop?.());
  const { dependencies = [] } = app;
  const services = servicesOf(app);
  const [service] = services;
  introduce(registers && service !== undefined ? { service, instanceId } : undefined);
  const readiness = createState(readinessOf(dependencies.map(({ name }) => name)));
  const descriptorSet = loadDescriptors(config.descriptors, log);
  const server = await listen(scene, { app, descriptorSet, readiness, meter: metrics.meter });
  const { address, port } = server;
  log.info({ address, metrics: metrics.address, services }, `listening on ${address}`);

  const onChange = (away: readonly string[]) => readiness.set(readinessOf(away));
  const stopChecks = watchDependencies({ dependencies, onChange, clock, random, log });
  const registration = registers ? register(scene, { services, descriptorSet, port, readiness }) : undefined;

  const { drainWaitMs: waitMs, drainGraceMs: graceMs } = config;
  const { release } = resources;
  let drained: Promise<void> | undefined;
  return {
    address,
    metricsAddress: metrics.address,
    instanceId,
    log,
    drain() {
      drained ??= drain({ readiness, registration, server, stopChecks, release, waitMs, graceMs, clock, log });
      return drained;
    },
    leave: async () => registration?.close(),
  };
}
