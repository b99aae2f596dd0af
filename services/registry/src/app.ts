import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { implement } from '@rondo/rpc/server';
import type { App, Config, ServiceContext } from '@rondo/service';
import { MemoryStore } from './adapters/memory-store/memory-store.js';
import type { variables } from './config.js';
import { registryHandlers } from './rpc/handlers.js';

/** Wires the registry: its contract over a store in this process's memory. */
export function createApp(
  context: Pick<ServiceContext, 'clock' | 'random' | 'log'>,
  config: Config<typeof variables>,
): App {
  const { maxInstances, maxServices, maxWatches, maxCordoned, warmingMs } = config;
  const { clock, random, log } = context;
  const limits = { instances: maxInstances, services: maxServices, watches: maxWatches, cordoned: maxCordoned };
  const store = new MemoryStore({ clock, random, log, limits, warmingMs });
  return {
    services: [implement(RegistryServiceDefinition, registryHandlers(store, clock))],
    quiet: ['/rondo.registry.v1.RegistryService/Renew'],
    stop: () => store.close(),
  };
}
