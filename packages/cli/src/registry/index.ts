export { registryAddresses, registryOption } from './addresses.js';
export {
  type InstanceListing,
  listInstances,
  type RegistryConnection,
  readTime,
  type TimeReading,
  unreachable,
  withRegistry,
} from './connection.js';
export { type FollowedChange, follow } from './follow.js';
export { addressOf, type InstanceView, statusOf, viewInstance } from './instance-view.js';
export { knownServices, matchService } from './service-name.js';
