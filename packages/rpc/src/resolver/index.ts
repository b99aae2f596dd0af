export { CANARY_LABEL, CANARY_RULE, canaryPercent, parseCanaryPercent, whyNoShare } from './canary.js';
export { checkZone, ZONE_PATTERN } from './endpoint.js';
export type { EndpointStorage } from './endpoint-storage.js';
export { folderStorage } from './endpoint-storage.js';
export { type RegistryResolverOptions, registryResolver } from './registry.js';
export type {
  Endpoint,
  Resolution,
  Resolver,
  ResolverListener,
  Resolving,
  SourceState,
  SourceView,
  Standing,
} from './resolver.js';
export { fixedEndpoint, PEER_PING_INTERVAL_MS, type StaticResolverOptions, staticResolver } from './static.js';
export type { Watch } from './watch-client.js';
