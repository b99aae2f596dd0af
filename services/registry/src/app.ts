import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { implement } from '@rondo/rpc/server';
import { type App, type Config, checkSetting, type ServiceContext } from '@rondo/service';
import type { variables } from './config.js';
import { WATCH_REST_MS } from './domain/limits.js';
import { meterStore, type StoreMeter } from './metrics.js';
import { openStore } from './open-store.js';
import { registryHandlers } from './rpc/handlers.js';
import { RefusalLog } from './rpc/refusal-log.js';
import { settingsHandlers } from './rpc/settings-handlers.js';

/** Wires the registry: its contract over the configured store. */
export function createApp(
  context: Pick<ServiceContext, 'clock' | 'wallClock' | 'random' | 'log'> &
    Partial<Pick<ServiceContext, 'mayServe'>> & { readonly meter: StoreMeter },
  config: Config<typeof variables>,
): App {
  const { store: location, system } = config;
  const { clock, wallClock, random, log, meter, mayServe = () => true } = context;
  const opened = openStore({ location, clock, wallClock, random, log, watchRestMs: WATCH_REST_MS });
  const { store, settings, part } = opened;
  const refusals = new RefusalLog(log, clock);
  meterStore(meter, { ...opened, refusals });
  const isNew = async () => (await store.listServices()).warming;
  return {
    services: [
      implement(
        RegistryServiceDefinition,
        registryHandlers({
          store,
          system,
          wallClock,
          mayServe,
          refusals,
          maxWatches: location.limits.watches,
        }),
      ),
      implement(
        SettingsServiceDefinition,
        settingsHandlers({ settings, wallClock, mayServe, isNew, log, refusals, checkSetting }),
      ),
    ],
    parts: [part],
    // Polled: a renewal by each instance, the lists by a start until services are ready, and by `rondo top`.
    quiet: ['Renew', 'ListInstances', 'ListServices', 'ListOperatorStates'].map(
      (method) => `/${RegistryServiceDefinition.fullName}/${method}`,
    ),
  };
}
