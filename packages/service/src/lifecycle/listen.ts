import type { Meter } from '@opentelemetry/api';
import { createRouter, type RpcServer, serve } from '@rondo/rpc/server';
import { formatHostPort } from '../config/parser.js';
import { createHealth } from '../health/health.js';
import { createCpuMeter } from '../load/cpu.js';
import { createLoadMeter } from '../load/meter.js';
import { createLoadReports } from '../load/reports.js';
import { createReflection } from '../reflection/reflection.js';
import type { Readiness } from '../state/readiness.js';
import type { State } from '../state/state.js';
import { COMMON_SERVICES, serverChain } from './chain.js';
import type { Scene } from './scene.js';
import type { App } from './service.js';
import { cannotBind } from './startup-error.js';

/** What a process serves. */
export interface ListenOptions {
  readonly app: App;
  /** What reflection tells contracts from; undefined where there is none. */
  readonly descriptorSet: Uint8Array | undefined;
  readonly readiness: State<Readiness>;
  readonly meter: Meter;
}

/**
 * Serves an app, with health, reflection and load reports beside it, at `RONDO_LISTEN`.
 *
 * @throws StartupError where nothing can listen there.
 */
export async function listen(scene: Scene, options: ListenOptions): Promise<RpcServer> {
  const { name, config, instanceId, clock, wallClock, random, log } = scene;
  const { app, descriptorSet, readiness, meter } = options;
  const own = servicesOf(app);
  const health = createHealth({ readiness, services: own, always: COMMON_SERVICES });
  const load = createLoadMeter({ clock, ignored: COMMON_SERVICES, cpu: createCpuMeter(clock) });
  const reports = createLoadReports({ meter: load, readiness, clock });
  const services = [...own, health.definition.fullName, reports.definition.fullName];
  const reflection = createReflection({ services, descriptorSet });
  const router = createRouter({
    services: [...app.services, health, ...reflection, reports],
    middleware: serverChain({
      name,
      app,
      readiness,
      load: load.middleware,
      meter,
      clock,
      logLevel: config.logLevel,
    }),
    instanceId,
    logger: log,
    clock,
    wallClock,
    random,
  });
  const maxRequestBytes = config.maxRequestBytes ?? app.maxRequestBytes;
  try {
    const bounds = maxRequestBytes === undefined ? {} : { maxRequestBytes };
    return await serve(router, { listen: formatHostPort(config.listen), clock, ...bounds });
  } catch (cause) {
    throw cannotBind({ what: 'listen on', at: config.listen, variable: 'RONDO_LISTEN', cause });
  }
}

/** The fully qualified services of an app. */
export function servicesOf(app: App): readonly string[] {
  return app.services.map(({ definition }) => definition.fullName);
}
