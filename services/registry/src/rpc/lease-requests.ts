import { createHash } from 'node:crypto';
import {
  type DeregisterRequest,
  type Instance,
  type RegisterRequest,
  type RenewRequest,
  type UpdateRequest,
  InstanceStatus as Wire,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { RegisterOptions } from '../domain/admission.js';
import type { InstanceChange, InstanceStatus, Registration } from '../domain/instance.js';
import type { Lease } from '../domain/lease.js';
import { DEFAULT_WEIGHT, REQUEST_LIMITS, TTL } from '../domain/limits.js';
import type { SecretHash } from '../domain/secret.js';
import { toMs } from './duration.js';
import { checkInstanceId, checkMetadata, checkRegistration, checkWeight } from './instance-rules.js';
import { Violations } from './violations.js';

const STATUS: ReadonlyMap<Wire, InstanceStatus> = new Map([
  [Wire.INSTANCE_STATUS_STARTING, 'starting'],
  [Wire.INSTANCE_STATUS_SERVING, 'serving'],
  [Wire.INSTANCE_STATUS_DRAINING, 'draining'],
]);
const UPDATABLE = ['status', 'weight', 'metadata'];

/** How an instance counts what it says of itself. */
interface Counted {
  readonly sequence: bigint;
}

/** What `Register` asks for. */
interface Register {
  readonly registration: Registration;
  readonly ttlMs: number;
  readonly options: RegisterOptions;
}

/** What `Register` asks for. Throws `INVALID_ARGUMENT` with every violation, as all here do. */
export function parseRegister(request: RegisterRequest): Register {
  const { instance, ttl, sequence, secret } = request;
  const violations = new Violations();
  const ttlMs = ttl === undefined ? TTL.defaultMs : toMs(ttl);
  violations.check(
    ttlMs >= TTL.minMs && ttlMs <= TTL.maxMs,
    'ttl',
    `must be from ${TTL.minMs / 1000} s to ${TTL.maxMs / 60_000} min; leave it out for ${TTL.defaultMs / 1000} s`,
  );
  checkSequence(sequence, violations);
  checkSecret(secret, violations);
  if (instance === undefined) throw violations.with('instance', 'is missing; send the instance to register');
  const registration = toRegistration(instance, parseStatus(instance.status, 'instance.status', violations));
  checkRegistration(registration, violations);
  violations.refuse();
  return { registration, ttlMs, options: { sequence, secretHash: hashSecret(secret) } };
}

/** The lease that `Renew` names. */
export function parseLease(request: RenewRequest): Lease {
  const violations = new Violations();
  const lease = checkedLease(request, violations);
  violations.refuse();
  return lease;
}

/** What `Deregister` asks for. */
export function parseDeregister(request: DeregisterRequest): Counted & { lease: Lease } {
  const violations = new Violations();
  const lease = checkedLease(request, violations);
  checkSequence(request.sequence, violations);
  violations.refuse();
  return { lease, sequence: request.sequence };
}

/** What `Update` asks for: the fields that its mask names, and nothing of the others. */
export function parseUpdate(request: UpdateRequest): Counted & { lease: Lease; change: InstanceChange } {
  const violations = new Violations();
  const lease = checkedLease(request, violations);
  checkSequence(request.sequence, violations);
  const mask = new Set(request.updateMask);
  violations.check(
    mask.size > 0 && [...mask].every((path) => UPDATABLE.includes(path)),
    'update_mask',
    `must name at least one of ${UPDATABLE.join(', ')}, and nothing else`,
  );
  const change: InstanceChange = {
    ...(mask.has('status') && { status: parseStatus(request.status, 'status', violations) }),
    ...(mask.has('weight') && { weight: weightOf(request.weight) }),
    ...(mask.has('metadata') && { metadata: request.metadata }),
  };
  if (change.weight !== undefined) checkWeight(change.weight, 'weight', violations);
  if (change.metadata !== undefined) checkMetadata(change.metadata, 'metadata', violations);
  violations.refuse();
  return { lease, change, sequence: request.sequence };
}

/** From here on nothing holds the secret itself. */
function hashSecret(secret: Uint8Array): SecretHash | undefined {
  return secret.length === 0 ? undefined : createHash('sha256').update(secret).digest('base64');
}

/** It stands in no message: what is wrong with it is told, and not what it is. */
function checkSecret(secret: Uint8Array, violations: Violations): void {
  const { min, max } = REQUEST_LIMITS.secretBytes;
  violations.check(
    secret.length === 0 || (secret.length >= min && secret.length <= max),
    'secret',
    `has ${secret.length} bytes; send ${min} to ${max} random bytes, the same each time`,
  );
}

function checkSequence(sequence: bigint, violations: Violations): void {
  violations.check(sequence >= 0n, 'sequence', 'must count from 1; leave it 0 where nobody counts');
}

function checkedLease({ leaseId, instanceId }: Lease, violations: Violations): Lease {
  violations.check(
    leaseId.length >= 1 && leaseId.length <= REQUEST_LIMITS.leaseIdLength,
    'lease_id',
    'must be the lease id that Register returned',
  );
  checkInstanceId(instanceId, 'instance_id', violations);
  return { leaseId, instanceId };
}

function parseStatus(status: Wire, field: string, violations: Violations): InstanceStatus {
  const parsed = STATUS.get(status);
  violations.check(parsed !== undefined, field, `must be one of ${[...STATUS.keys()].map((s) => Wire[s]).join(', ')}`);
  return parsed ?? 'starting';
}

function weightOf(weight: number): number {
  return weight === 0 ? DEFAULT_WEIGHT : weight;
}

function toRegistration(instance: Instance, status: InstanceStatus): Registration {
  const { instanceId, incarnation, services, zone, version, metadata, fingerprints } = instance;
  const weight = weightOf(instance.weight);
  const endpoints = instance.endpoints.map(({ minPingInterval, ...endpoint }) => {
    return minPingInterval === undefined ? endpoint : { ...endpoint, minPingIntervalMs: toMs(minPingInterval) };
  });
  return { instanceId, incarnation, endpoints, services, zone, version, weight, metadata, fingerprints, status };
}
