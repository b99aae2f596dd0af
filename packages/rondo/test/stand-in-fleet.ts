import { afterEach, beforeEach } from '@jest/globals';
import { createRouter, type ServiceImplementation, serve } from '@rondo/rpc/server';
import { startFakeRegistry } from './fake-registry.js';
import { instanceAt } from './instance.js';
import { rondo } from './recording-context.js';

/** Gives each test of the file a registry of its own, instances with stand-ins of services, and a command of `rondo` over them. */
export function useStandIns(command: string) {
  let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
  let servers: Awaited<ReturnType<typeof serve>>[];
  beforeEach(async () => {
    registry = await startFakeRegistry();
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.drain(0)));
    await registry.stop();
  });
  return {
    run: (...args: readonly string[]) =>
      rondo([command, ...args], { environment: { RONDO_REGISTRY: registry.address } }),
    registry: () => registry,
    /** The environment in which the command finds them. */
    environment: () => ({ RONDO_REGISTRY: registry.address }),
    /** Serves the stand-in, if there is one, by an instance that is registered for it, and for `services`. */
    async register(
      instanceId: string,
      standIn: ServiceImplementation | undefined,
      ...services: readonly string[]
    ): Promise<void> {
      const own = standIn === undefined ? [] : [standIn];
      const server = await serve(createRouter({ services: own }), { listen: '127.0.0.1:0' });
      servers.push(server);
      const names = own.map(({ definition }) => definition.fullName);
      registry.put(instanceAt(server.address, instanceId, [...names, ...services]));
    },
  };
}
