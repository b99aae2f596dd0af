export { type Balancing, checkBalancing, DEFAULT_BALANCING, POLICIES, type PolicyName } from './balancing.js';
export {
  type BalancingOverrides,
  checkOverrides,
  EVERY_SERVICE,
  formatBalancing,
  type ParsedBalancing,
  parseBalancing,
} from './balancing-config.js';
export { COMPRESSIONS, type Compression } from './compression.js';
export type {
  MessageType,
  MethodDefinition,
  RequestInit,
  RequestOf,
  ResponseInit,
  ResponseOf,
  ServiceDefinition,
} from './definition.js';
export type { HashKey } from './hash-key.js';
export { type Method, methodsOf } from './method.js';
export { editDistance, nearest } from './nearest.js';
export type { Idempotency, Policy } from './policy.js';
export { formatPolicy, type ParsedPolicy, parsePolicy } from './policy-text.js';
export type { Resume } from './resume.js';
export { DEFAULT_SERVICE_POLICY, type ServicePolicy, servicePolicyOf } from './service-policy.js';
export { type Unread, unread } from './unread.js';
