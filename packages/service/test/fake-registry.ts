import {
  type DeregisterRequest,
  type RegisterRequest,
  RegistryServiceDefinition,
  type UpdateRequest,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { createClient } from '@rondo/rpc/client';
import { type Handlers, implement, type ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel, ManualClock } from '@rondo/rpc/testing';
import { type Way, wayOf } from '../../rpc/test/support/ways.js';
import { startRegistration } from '../src/registration/registration.js';
import { createState, readinessOf } from '../src/state.js';
import { recordingLogger } from './recording-logger.js';

/** The requests that a fake registry received, and its behaviour. */
interface FakeRegistry {
  /** Names of the called methods, with the lease id of each. */
  readonly calls: string[];
  readonly registered: RegisterRequest[];
  readonly updated: UpdateRequest[];
  readonly deregistered: DeregisterRequest[];
  /** Whether it knows leases. Set it to false for a registry that has restarted empty. */
  known: boolean;
  /** The error of every call. */
  fault: RpcError | undefined;
  /** The error of `Register` only. */
  registerFault: RpcError | undefined;
  /** Called after `Register` was refused or granted. */
  onRegister: () => void;
  /** Whether it never replies. */
  hangs: boolean;
  grantedTtlMs: number;
  /** How each `Register` came. */
  readonly ways: Way[];
}

/** A registry that records its requests, and fails as the test sets it. */
export function createFakeRegistry(): { readonly fake: FakeRegistry; readonly services: ServiceImplementation[] } {
  const fake: FakeRegistry = {
    calls: [],
    registered: [],
    updated: [],
    deregistered: [],
    known: false,
    fault: undefined,
    registerFault: undefined,
    onRegister: () => undefined,
    hangs: false,
    grantedTtlMs: 9_000,
    ways: [],
  };
  const enter = async (name: string, needsLease: boolean) => {
    fake.calls.push(name);
    if (fake.hangs) await new Promise(() => undefined);
    if (fake.fault !== undefined) throw fake.fault;
    if (needsLease && !fake.known) throw new RpcError(Status.NOT_FOUND, 'no such lease');
  };
  const ttl = () => ({ seconds: BigInt(fake.grantedTtlMs / 1000), nanos: 0 });
  const unused = () => Promise.reject(new RpcError(Status.UNIMPLEMENTED, 'not part of this test'));
  const handlers: Handlers<typeof RegistryServiceDefinition> = {
    setOperatorState: () => ({}),
    listOperatorStates: () => ({}),
    async register(request, { metadata }) {
      fake.ways.push(wayOf(metadata));
      await enter('register', false);
      const { registerFault } = fake;
      fake.onRegister();
      if (registerFault !== undefined) throw registerFault;
      fake.known = true;
      fake.registered.push(request);
      return { leaseId: `lease-${fake.registered.length}`, ttl: ttl() };
    },
    async renew({ leaseId }) {
      await enter(`renew ${leaseId}`, true);
      return { ttl: ttl() };
    },
    async update(request) {
      await enter(`update ${request.leaseId}`, true);
      fake.updated.push(request);
      return {};
    },
    async deregister(request) {
      await enter(`deregister ${request.leaseId}`, false);
      fake.deregistered.push(request);
      return {};
    },
    listServices: unused,
    listInstances: unused,
    async *watch() {},
  };
  return { fake, services: [implement(RegistryServiceDefinition, handlers)] };
}

export const TTL_MS = 9_000;

/** What a test registers. */
export const INSTANCE = {
  instanceId: 'sales-1',
  incarnation: 7n,
  endpoints: [],
  services: ['sales.v1.QuoteService'],
  zone: 'eu/a',
  version: '',
  weight: 100,
  metadata: {},
  fingerprints: { 'sales.v1.QuoteService': '3f2a' },
};

/** Prepares a registration at a fake registry; `begin` starts it. */
export function start({
  dependencies = [] as readonly string[],
  ttlMs = TTL_MS,
  clock = new ManualClock(),
  incarnation = INSTANCE.incarnation,
  hex = 'a',
} = {}) {
  // The upper end of the random range: every delay has its maximum.
  const random = { next: () => 1, hex: (bytes: number) => hex.repeat(2 * bytes) };
  const { fake, services } = createFakeRegistry();
  fake.grantedTtlMs = ttlMs;
  const readiness = createState(readinessOf(dependencies));
  const weight = createState(INSTANCE.weight);
  const { log, lines, fields } = recordingLogger();
  const begin = () =>
    startRegistration({
      registry: createClient(RegistryServiceDefinition, { channel: createTestChannel({ services, clock, random }) }),
      instance: { ...INSTANCE, incarnation },
      readiness,
      weight,
      ttlMs,
      clock,
      random,
      log,
    });
  return { clock, fake, readiness, weight, lines, fields, begin };
}

export const unavailable = () => new RpcError(Status.UNAVAILABLE, 'connection refused');
