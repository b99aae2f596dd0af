/**
 * The registry for programs that aren't Rondo services, and the registration of servers of other frameworks, so that Rondo's clients find
 * them. A service that starts by `runService` registers by itself.
 *
 * ```ts
 * import { consul } from '@rondo/registry-consul';
 * import { createRegistryChannel } from '@rondo/rpc/client';
 * import { openRegistry, registerServer } from '@rondo/service/registration';
 *
 * const registry = await openRegistry(process.env['RONDO_REGISTRY'], [consul]);
 * const channel = createRegistryChannel({ registry });
 * const registration = registerServer({
 *   registry,
 *   instanceId: 'prices-1',
 *   address: '127.0.0.1:5000',
 *   services: ['prices.v1.PriceService'],
 * });
 * await registration.close(); // before the server is closed
 * channel.close();
 * ```
 */

export { openRegistry } from '../registration/open-registry.js';
export { type RegisteredServer, registerServer } from '../registration/register-server.js';
