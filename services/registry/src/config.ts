import { integer, optionalVariable, text, variable } from '@rondo/service';
import { DEFAULT_TOTAL_LIMITS, TTL } from './domain/limits.js';
import { storeLocation } from './store-location.js';

/** The registry's own variables. */
export const variables = {
  store: variable('RONDO_REGISTRY_STORE', storeLocation, {
    default: { kind: 'memory' },
    example: storeLocation.example,
    secret: true,
    description: 'Where the registry keeps its state.',
  }),
  storeCa: optionalVariable('RONDO_REGISTRY_STORE_CA', text, {
    example: '/etc/rondo/etcd-ca.pem',
    description: "The certificates of those who may vouch for etcd; by default the machine's.",
  }),
  storeCert: optionalVariable('RONDO_REGISTRY_STORE_CERT', text, {
    example: '/etc/rondo/etcd-client.pem',
    description: "The registry's own certificate, where etcd wants one.",
  }),
  storeKey: optionalVariable('RONDO_REGISTRY_STORE_KEY', text, {
    example: '/etc/rondo/etcd-client-key.pem',
    description: 'The key of that certificate.',
  }),
  maxInstances: variable('RONDO_REGISTRY_MAX_INSTANCES', integer({ min: 1, max: 1_000_000 }), {
    default: DEFAULT_TOTAL_LIMITS.instances,
    description: 'How many instances the registry holds; more are refused.',
  }),
  maxServices: variable('RONDO_REGISTRY_MAX_SERVICES', integer({ min: 1, max: 15_000 }), {
    default: DEFAULT_TOTAL_LIMITS.services,
    // One message lists them all.
    description: 'How many services may have instances in the registry; more are refused.',
  }),
  maxWatches: variable('RONDO_REGISTRY_MAX_WATCHES', integer({ min: 1, max: 100_000 }), {
    default: DEFAULT_TOTAL_LIMITS.watches,
    description: 'How many watches may be open at the registry; more are refused.',
  }),
  maxCordoned: variable('RONDO_REGISTRY_MAX_CORDONED', integer({ min: 1, max: 4000 }), {
    default: DEFAULT_TOTAL_LIMITS.cordoned,
    // One message lists them all, with their reasons.
    description: 'How many instances may be cordoned at the registry; more are refused.',
  }),
  warmingMs: variable('RONDO_REGISTRY_WARMING_MS', integer({ max: TTL.maxMs }), {
    default: TTL.defaultMs,
    description: 'How long a registry that started empty says that instances may still come back.',
  }),
} as const;
