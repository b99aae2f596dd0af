export { type RegistryResolverOptions, registryResolver, type Watch } from './registry.js';
export type { Endpoint, Resolution, Resolver, ResolverListener, Resolving } from './resolver.js';
export { staticResolver } from './static.js';
