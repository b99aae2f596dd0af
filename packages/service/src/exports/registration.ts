/**
 * The registration of servers of other frameworks, so that Rondo's clients find them, and registries of other kinds. A service that starts by `runService`
 * registers by itself.
 *
 * ```ts
 * import { registerServer } from '@rondo/service/registration';
 *
 * const registration = registerServer({
 *   registry: ['127.0.0.1:50050'],
 *   instanceId: 'prices-1',
 *   address: '127.0.0.1:5000',
 *   services: ['prices.v1.PriceService'],
 * });
 * await registration.close(); // before the server is closed
 * ```
 */

export { type AdapterOptions, openAdapter } from '../lifecycle/directory.js';
export { type RegisteredServer, type RegisterServerOptions, registerServer } from '../registration/register-server.js';
