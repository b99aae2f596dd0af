import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { startRegistration } from '../src/registration/registration.js';
import { createState } from '../src/state/state.js';
import { readinessOf } from '../src/state/readiness.js';
import { createFakeRegistry } from './fake-registry.js';
import { recordingLogger } from './recording-logger.js';

export const TTL_MS = 9_000;

/** A registration that begins when it is told to, at a registry that does as it is told. */
export function start({
  dependencies = [] as readonly string[],
  ttlMs = TTL_MS,
  clock = new ManualClock(),
  incarnation = 7n,
  hex = 'a',
} = {}) {
  // Chance at its utmost: waits are as long as they get.
  const random = { next: () => 1, hex: (bytes: number) => hex.repeat(2 * bytes) };
  const { fake, services } = createFakeRegistry();
  fake.grantedTtlMs = ttlMs;
  const readiness = createState(readinessOf(dependencies));
  const { log, lines, fields } = recordingLogger();
  const begin = () =>
    startRegistration({
      registry: createClient(RegistryServiceDefinition, { channel: createTestChannel({ services, clock, random }) }),
      instance: {
        instanceId: 'sales-1',
        incarnation,
        endpoints: [],
        services: ['sales.v1.QuoteService'],
        zone: 'eu/a',
        version: '',
        weight: 0,
        metadata: {},
        fingerprints: { 'sales.v1.QuoteService': '3f2a' },
      },
      readiness,
      ttlMs,
      clock,
      random,
      log,
    });
  return { clock, fake, readiness, lines, fields, begin };
}

export const unavailable = () => new RpcError(Status.UNAVAILABLE, 'connection refused');
