import { integer, optionalVariable, text, variable } from '@rondo/service';
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
  xdsPort: optionalVariable('RONDO_REGISTRY_XDS_PORT', integer({ max: 65_535 }), {
    example: '15010',
    description:
      "A port of 127.0.0.1 for xDS without TLS, for this machine's gRPC clients in languages without TLS for xDS.",
  }),
} as const;
