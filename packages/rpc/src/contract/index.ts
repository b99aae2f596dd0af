export type {
  MessageType,
  MethodDefinition,
  RequestInit,
  RequestOf,
  ResponseInit,
  ResponseOf,
  ServiceDefinition,
} from './definition.js';
export { type Method, methodsOf } from './method.js';
export type { Idempotency, Policy } from './policy.js';
