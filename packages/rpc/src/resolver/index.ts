export { CANARY_LABEL, CANARY_RULE, canaryPercent, parseCanaryPercent, whyNoShare } from './canary.js';
export { folderStorage } from './folder-storage.js';
export type { Watch } from './follower.js';
export type { EndpointStorage } from './last-known.js';
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
export { checkZone, ZONE_PATTERN } from './zone.js';
