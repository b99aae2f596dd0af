export { registryAddresses, registryOption } from './addresses.js';
export { balancingOverrides } from './balancing.js';
export { CORDONED } from './change.js';
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
export {
  addressOf,
  type InstanceView,
  isCordoned,
  isPicked,
  standingOf,
  statusOf,
  viewInstance,
} from './instance-view.js';
export { listMarks, type Marks, setWish, viewPosition } from './operator.js';
export { knownServices, matchService, notRegistered } from './service-name.js';
