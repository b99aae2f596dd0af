import { Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Instance } from '../../src/domain/instance.js';

const PLAIN = Security.SECURITY_PLAINTEXT;

/** An instance that serves without TLS at an address. */
export function instanceAt(address: string, part: Partial<Instance> = {}): Instance {
  return {
    instanceId: address,
    incarnation: 1n,
    endpoints: [{ address, protocols: [], security: PLAIN }],
    services: ['sales.v1.OrderService'],
    zone: '',
    version: '',
    weight: 100,
    metadata: {},
    fingerprints: {},
    status: 'serving',
    operatorState: 'none',
    registerTimeMs: 0,
    serviceTimesMs: {},
    revision: 1n,
    ...part,
  };
}
