export {
  type Balancing,
  checkBalancing,
  DEFAULT_BALANCING,
  DEFAULT_SERVICE_POLICY,
  POLICIES,
  type PolicyName,
  type ServicePolicy,
  servicePolicyOf,
} from './balancing.js';
export {
  type BalancingOverrides,
  checkOverrides,
  EVERY_SERVICE,
  formatBalancing,
  formatPolicy,
  type ParsedBalancing,
  type ParsedPolicy,
  parseBalancing,
  parsePolicy,
} from './balancing-text.js';
export {
  type MessageType,
  type MethodDefinition,
  type RequestInit,
  type RequestOf,
  type ResponseInit,
  type ResponseOf,
  type ServiceDefinition,
  type Unread,
  unread,
} from './definition.js';
export { type Method, methodsOf } from './method.js';
export { editDistance, nearest } from './nearest.js';
export { COMPRESSIONS, type Compression, type HashKey, type Idempotency, type Policy, type Resume } from './policy.js';
