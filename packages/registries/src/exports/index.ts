/**
 * What a registry of another kind implements, so that services register there and clients find them.
 *
 * ```ts
 * import { createChannel } from '@rondo/rpc/client';
 * import { systemClock as clock, systemRandom as random } from '@rondo/rpc/clock';
 * import { adapterResolver, type RegistryAdapter } from '@rondo/registries';
 *
 * declare const adapter: RegistryAdapter;
 * const channel = createChannel({ resolver: adapterResolver(adapter, { clock, random }), healthCheck: true });
 * ```
 *
 * @packageDocumentation
 */

export type { RegistryAdapter } from '../adapter.js';
export { checkTaken, createPace, readText } from '../bounds.js';
export { checkCount, endpointAt, entryRegistrar, hostOf, latest, MAX_INSTANCES, takenBy } from '../entries.js';
export { HTTP_KEYS, HttpServers } from '../http.js';
export { field, items, textOf } from '../json.js';
export { isFullName, parseLocation } from '../location.js';
export { type OpenRegistry, openedBy, type RegistryPlugin } from '../plugin.js';
export { fromRecord, toRecord } from '../record.js';
export { adapterResolver } from '../resolver.js';
