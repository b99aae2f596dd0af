import { integer, optionalVariable, text, variable } from '@rondo/service';
import { DEFAULT_TOTAL_LIMITS, TTL } from './domain/limits.js';
import { storeLocation } from './store-location.js';

/** The environment variables of the registry. */
export const variables = {
  store: variable('RONDO_REGISTRY_STORE', storeLocation, {
    default: { kind: 'memory' },
    example: storeLocation.example,
    secret: true,
    description: 'Where the registry keeps its state.',
  }),
  storeCa: optionalVariable('RONDO_REGISTRY_STORE_CA', text, {
    example: '/etc/rondo/etcd-ca.pem',
    description: "The CA certificates that etcd is checked against; by default the machine's.",
  }),
  storeCert: optionalVariable('RONDO_REGISTRY_STORE_CERT', text, {
    example: '/etc/rondo/etcd-client.pem',
    description: 'The client certificate of the registry, if etcd asks for one.',
  }),
  storeKey: optionalVariable('RONDO_REGISTRY_STORE_KEY', text, {
    example: '/etc/rondo/etcd-client-key.pem',
    description: 'The key of that certificate.',
  }),
  maxInstances: variable('RONDO_REGISTRY_MAX_INSTANCES', integer({ min: 1, max: 1_000_000 }), {
    default: DEFAULT_TOTAL_LIMITS.instances,
    description: 'The maximum number of instances; the registry refuses more.',
  }),
  maxServices: variable('RONDO_REGISTRY_MAX_SERVICES', integer({ min: 1, max: 15_000 }), {
    default: DEFAULT_TOTAL_LIMITS.services,
    // One message lists all services.
    description: 'The maximum number of services that have instances; the registry refuses more.',
  }),
  maxWatches: variable('RONDO_REGISTRY_MAX_WATCHES', integer({ min: 1, max: 100_000 }), {
    default: DEFAULT_TOTAL_LIMITS.watches,
    description: 'The maximum number of open watches; the registry refuses more.',
  }),
  maxCordoned: variable('RONDO_REGISTRY_MAX_CORDONED', integer({ min: 1, max: 4000 }), {
    default: DEFAULT_TOTAL_LIMITS.cordoned,
    // One message lists all cordoned instances with their reasons.
    description: 'The maximum number of cordoned instances; the registry refuses more.',
  }),
  system: variable('RONDO_REGISTRY_SYSTEM', text, {
    default: '',
    description: 'The system that the registry is part of: rondo of the workspace of another one refuses to call it.',
  }),
  warmingMs: variable('RONDO_REGISTRY_WARMING_MS', integer({ max: TTL.maxMs }), {
    default: TTL.defaultMs,
    description: 'How long a registry that started empty reports that instances may still register again.',
  }),
} as const;
