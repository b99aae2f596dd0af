import { REGISTRY_PORT, type ServiceOptions } from '@rondo/service';
import { createApp } from './app.js';
import { variables } from './config.js';

/** The registry, to whoever runs it: as a process of its own, or within another, as a test may. */
export const registry: ServiceOptions<typeof variables> = {
  name: 'registry',
  port: REGISTRY_PORT,
  variables,
  // It is what the others register with.
  register: false,
  createApp,
};
