import { text, variable } from '@rondo/service';
import { DEFAULT_BOUNDS, storeLocation } from './store-location.js';

/** The environment variables of the registry. */
export const variables = {
  store: variable('RONDO_REGISTRY_STORE', storeLocation, {
    default: { kind: 'memory', ...DEFAULT_BOUNDS },
    example: storeLocation.example,
    secret: true,
    description: 'Where the registry keeps its state, and how much.',
  }),
  system: variable('RONDO_REGISTRY_SYSTEM', text, {
    default: '',
    description: 'The system that the registry is part of: rondo of the workspace of another one refuses to call it.',
  }),
} as const;
