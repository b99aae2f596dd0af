import { integer, variable } from '@rondo/service';
import { DEFAULT_TOTAL_LIMITS, TTL } from './domain/limits.js';

/** The registry's own variables. */
export const variables = {
  maxInstances: variable('RONDO_REGISTRY_MAX_INSTANCES', integer({ min: 1, max: 1_000_000 }), {
    default: DEFAULT_TOTAL_LIMITS.instances,
    description: 'How many instances the registry holds; more are refused.',
  }),
  maxServices: variable('RONDO_REGISTRY_MAX_SERVICES', integer({ min: 1, max: 100_000 }), {
    default: DEFAULT_TOTAL_LIMITS.services,
    description: 'How many services may have instances in the registry; more are refused.',
  }),
  maxWatches: variable('RONDO_REGISTRY_MAX_WATCHES', integer({ min: 1, max: 100_000 }), {
    default: DEFAULT_TOTAL_LIMITS.watches,
    description: 'How many watches may be open at the registry; more are refused.',
  }),
  maxCordoned: variable('RONDO_REGISTRY_MAX_CORDONED', integer({ min: 1, max: 10_000 }), {
    default: DEFAULT_TOTAL_LIMITS.cordoned,
    description: 'How many instances may be cordoned at the registry; more are refused.',
  }),
  warmingMs: variable('RONDO_REGISTRY_WARMING_MS', integer({ max: TTL.maxMs }), {
    default: TTL.defaultMs,
    description: 'How long a registry that started empty says that instances may still come back.',
  }),
} as const;
