import type { Channel } from '@rondo/rpc/client';
import type { LiveSettings, MutualTls } from '@rondo/rpc/internal';
import type { Router } from '@rondo/rpc/server';
import { registriesOf } from '../lifecycle/directory.js';
import type { App, ServiceRuntime } from '../lifecycle/service.js';
import { createState, type State } from '../state.js';
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
 * subscribe to `runtime.settings`. Returns the function that ends it. A registry of another kind has no settings.
 */
export function applySettings(runtime: ServiceRuntime, { services, channel, tls }: Applied): () => Promise<void> {
  const { config, clock, random, log, settings, logLevel } = runtime;
  const apply = (live: LiveSettings) => {
    channel.configure(live.calls);
    logLevel.set(ownSetting(live, 'log_level', services) ?? config.logLevel);
    settings.set(live);
  };
  const addresses = registriesOf(config);
  if (addresses.length === 0) return () => Promise.resolve();
  const frames = config.transport !== 'grpc';
  const watch = watchSettings({ addresses, clock, random, log, tls, frames, onChange: apply });
  return () => watch.close();
}

/** Lets settings change how a server protects itself. */
export function applyToAdmission(
  { config, settings }: Pick<ServiceRuntime, 'config' | 'settings'>,
  { services, learnsLimits = true }: Pick<App, 'learnsLimits'> & { readonly services: readonly string[] },
  control: Router['admission'],
): void {
  settings.subscribe((live) => {
    const setting = ownSetting(live, 'admission', services);
    const adaptive = setting === undefined ? learnsLimits : setting === 'on';
    control.update({ adaptive, maxCalls: ownSetting(live, 'max_calls', services) ?? config.maxCalls ?? {} });
  });
}

/** The weight of an instance, which settings change. */
export function weightOf({ config, settings, instanceId }: ServiceRuntime, services: readonly string[]): State<number> {
  const weight = createState(config.weight);
  settings.subscribe((live) => {
    const weights = services.map((service) => live.of('weights', service)?.get(instanceId));
    weight.set(weights.find((one) => one !== undefined) ?? config.weight);
  });
  return weight;
}

/** Whether answers of a service may be kept. */
export function keepsAnswers({ settings }: Pick<ServiceRuntime, 'settings'>): (service: string) => boolean {
  let cache = settings.current.byService('cache');
  settings.subscribe((live) => {
    cache = live.byService('cache');
  });
  return (service) => (cache[service] ?? cache['*']) !== 'off';
}

/** The value of a key for the first of a process's services that has one. */
function ownSetting<K extends Parameters<LiveSettings['of']>[0]>(
  live: LiveSettings,
  key: K,
  services: readonly string[],
) {
  for (const service of services) {
    const value = live.of(key, service);
    if (value !== undefined) return value;
  }
  return undefined;
}
