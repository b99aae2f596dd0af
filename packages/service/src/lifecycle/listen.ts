import type { Meter } from '@opentelemetry/api';
import type { Logger } from '@rondo/rpc/call';
import { createRouter, type RpcServer, serve } from '@rondo/rpc/server';
import { formatHostPort } from '../config/index.js';
import { createHealth } from '../health/index.js';
import { createReflection, loadDescriptorSet } from '../reflection/index.js';
import type { Readiness, State } from '../state/index.js';
import { COMMON_SERVICES, serverChain } from './chain.js';
import type { Scene } from './scene.js';
import type { App } from './service.js';
import { cannotBind, StartupError } from './startup-error.js';

/** What a process serves. */
export interface ListenOptions {
  readonly app: App;
  readonly readiness: State<Readiness>;
  readonly meter: Meter;
}

/**
 * Serves an app, with health and reflection beside it, at `RONDO_LISTEN`.
 *
 * @throws StartupError where nothing can listen there, or the descriptor set that was named can't be read.
 */
export async function listen(scene: Scene, options: ListenOptions): Promise<RpcServer> {
  const { name, config, instanceId, clock, random, log } = scene;
  const { app, readiness, meter } = options;
  const own = servicesOf(app);
  const health = createHealth({ readiness, services: [...own, ...COMMON_SERVICES] });
  const descriptorSet = descriptors(config.descriptors, log);
  const reflection = createReflection({ services: [...own, health.definition.fullName], descriptorSet });
  const router = createRouter({
    services: [...app.services, health, ...reflection],
    middleware: serverChain({ name, app, readiness, meter, clock, logLevel: config.logLevel }),
    instanceId,
    logger: log,
    clock,
    random,
  });
  try {
    return await serve(router, { listen: formatHostPort(config.listen), clock });
  } catch (cause) {
    throw cannotBind({ what: 'listen on', at: config.listen, variable: 'RONDO_LISTEN', cause });
  }
}

/** The fully qualified services of an app. */
export function servicesOf(app: App): readonly string[] {
  return app.services.map(({ definition }) => definition.fullName);
}

/** Reflection is a convenience: without its file a process serves all the same, unless the file was asked for. */
function descriptors(path: string | undefined, log: Logger): Uint8Array | undefined {
  try {
    return loadDescriptorSet(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (path !== undefined) throw new StartupError(`can't read RONDO_DESCRIPTORS=${path}: ${reason}`, { cause });
    log.warn({ reason }, 'reflection knows no contract: set RONDO_DESCRIPTORS to the descriptor set');
    return undefined;
  }
}
