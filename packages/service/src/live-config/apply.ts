import type { Channel } from '@rondo/rpc/client';
import type { LiveSettings, MutualTls } from '@rondo/rpc/internal';
import { formatHostPort } from '../config/parsers.js';
import type { ServiceRuntime } from '../lifecycle/service.js';
import { watchSettings } from './settings-watch.js';

/** What live settings change in a process. */
interface Applied {
  /** The services that the process serves: their settings are its own. */
  readonly services: readonly string[];
  readonly channel: Pick<Channel, 'configure'>;
  /** Undefined without TLS. */
  readonly tls: MutualTls | undefined;
}

/**
 * Follows the settings in the registry, and applies them: to the calls that the process makes, and to its log. Other parts
 * subscribe to `runtime.settings`. Returns the function that ends it.
 */
export function applySettings(runtime: ServiceRuntime, { services, channel, tls }: Applied): () => Promise<void> {
  const { config, clock, random, log, settings, logLevel } = runtime;
  const apply = (live: LiveSettings) => {
    channel.configure(live.calls);
    logLevel.set(logLevelOf(live, services) ?? config.logLevel);
    settings.set(live);
  };
  const addresses = config.registry.map(formatHostPort);
  const watch = watchSettings({ addresses, clock, random, log, tls, onChange: apply });
  return () => watch.close();
}

/** The level of the first service that has one. */
function logLevelOf(live: LiveSettings, services: readonly string[]) {
  return services.map((service) => live.of('log_level', service)).find((level) => level !== undefined);
}
