import { tokens } from '@rondo/authentication/tokens';
import { redis } from '@rondo/cache-redis';
import { REGISTRY_PORT, type startService } from '@rondo/service';
import { telemetry } from '@rondo/telemetry';
import { createApp } from './app.js';
import { variables } from './config.js';

/** The registry as a service: run it as a process of its own, or start it inside another process, such as a test. */
export const registry: Parameters<typeof startService<typeof variables>>[0] = {
  name: 'registry',
  port: REGISTRY_PORT,
  variables,
  // Other services register here; the registry doesn't register itself.
  register: false,
  // The compose file of apps of 0.2 gives it RONDO_CACHE, too.
  plugins: [redis, tokens, telemetry],
  createApp,
};
