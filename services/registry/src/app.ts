import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { implement } from '@rondo/rpc/server';
import type { App, Config, ServiceContext } from '@rondo/service';
import type { variables } from './config.js';
import { WATCH_REST_MS } from './domain/limits.js';
import { meterStore, type StoreMeter } from './metrics.js';
import { openStore } from './open-store.js';
import { registryHandlers } from './rpc/handlers.js';
import { RefusalLog } from './rpc/refusal-log.js';
import { settingsHandlers } from './rpc/settings-handlers.js';
import { plainListener } from './xds/plain-listener.js';
import { xdsServices } from './xds/services.js';

/** Wires the registry: its contract over the configured store. */
export function createApp(
  context: Pick<ServiceContext, 'clock' | 'wallClock' | 'random' | 'log'> &
    Partial<Pick<ServiceContext, 'mayServe' | 'descriptorSet'>> & { readonly meter: StoreMeter },
  config: Omit<Config<typeof variables>, 'xdsPort'> & { readonly xdsPort?: number | undefined },
): App {
  const { store: location, system, xdsPort } = config;
  const { clock, wallClock, random, log, meter, mayServe = () => true, descriptorSet } = context;
  const opened = openStore({ location, clock, wallClock, random, log, watchRestMs: WATCH_REST_MS });
  const { store, settings, part } = opened;
  const refusals = new RefusalLog(log, clock);
  meterStore(meter, { ...opened, refusals });
  const maxWatches = location.limits.watches;
  const xds = xdsServices({ store, settings, descriptorSet, wallClock, log, refusals, maxStreams: maxWatches });
  const plain = { discovery: xds.discovery, log, clock };
  const listeners = xdsPort === undefined ? [] : [plainListener({ port: xdsPort, ...plain })];
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
          maxWatches,
        }),
      ),
      implement(SettingsServiceDefinition, settingsHandlers({ settings, wallClock, mayServe, isNew, log, refusals })),
      xds.discovery,
      xds.status,
    ],
    parts: [part, { name: 'xDS', listeners }],
    // Polled: a renewal by each instance, the lists by a start until services are ready, and by `rondo top`.
    quiet: ['Renew', 'ListInstances', 'ListServices', 'ListOperatorStates'].map(
      (method) => `/${RegistryServiceDefinition.fullName}/${method}`,
    ),
  };
}
