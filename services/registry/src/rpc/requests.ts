import { createHash } from 'node:crypto';
import {
  type DeregisterRequest,
  type Instance,
  type ListInstancesRequest,
  type RegisterRequest,
  type RenewRequest,
  type SetOperatorStateRequest,
  type UpdateRequest,
  type WatchRequest,
  OperatorState as WireOperatorState,
  InstanceStatus as WireStatus,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { RegisterOptions } from '../domain/admission.js';
import {
  type InstanceChange,
  type InstanceStatus,
  type OperatorState,
  type Registration,
  registeredId,
} from '../domain/instance.js';
import type { Lease, SecretHash } from '../domain/lease.js';
import { DEFAULT_WEIGHT, REQUEST_LIMITS, TTL } from '../domain/limits.js';
import type { InstanceQuery, OperatorStateChange, WatchQuery } from '../domain/store.js';
import {
  checkInstanceId,
  checkMetadata,
  checkRegistration,
  checkService,
  checkWeight,
  isPrintable,
  Violations,
} from './field-rules.js';
import { toMs } from './messages.js';

const STATUS: ReadonlyMap<WireStatus, InstanceStatus> = new Map([
  [WireStatus.INSTANCE_STATUS_STARTING, 'starting'],
  [WireStatus.INSTANCE_STATUS_SERVING, 'serving'],
  [WireStatus.INSTANCE_STATUS_DRAINING, 'draining'],
]);
const OPERATOR_STATE: ReadonlyMap<WireOperatorState, OperatorState> = new Map([
  [WireOperatorState.OPERATOR_STATE_NONE, 'none'],
  [WireOperatorState.OPERATOR_STATE_CORDONED, 'cordoned'],
]);
const UPDATABLE = ['status', 'weight', 'metadata'];

/** The number of a call in which an incarnation describes itself. */
interface Counted {
  readonly sequence: bigint;
}

/** A parsed `Register` request. */
interface Register {
  readonly registration: Registration;
  readonly ttlMs: number;
  readonly options: RegisterOptions;
}

/** The SPIFFE id of the caller; undefined if it has no certificate. */
type Identity = string | undefined;

/** Parses `Register`. Like every parser here, it throws `INVALID_ARGUMENT` with all violations. */
export function parseRegister(request: RegisterRequest, identity: Identity): Register {
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
  const status = parseStatus(instance.status, 'instance.status', violations);
  const registration = { ...toRegistration(instance, status), instanceId: registeredId(instance.instanceId, identity) };
  checkRegistration(registration, violations);
  violations.refuse();
  return { registration, ttlMs, options: { sequence, secretHash: hashSecret(secret), identity } };
}

export function parseLease(request: RenewRequest, identity: Identity): Lease {
  const violations = new Violations();
  const lease = checkedLease(request, identity, violations);
  violations.refuse();
  return lease;
}

export function parseDeregister(request: DeregisterRequest, identity: Identity): Counted & { lease: Lease } {
  const violations = new Violations();
  const lease = checkedLease(request, identity, violations);
  checkSequence(request.sequence, violations);
  violations.refuse();
  return { lease, sequence: request.sequence };
}

/** Parses `Update`: only the fields that the mask names. */
export function parseUpdate(
  request: UpdateRequest,
  identity: Identity,
): Counted & { lease: Lease; change: InstanceChange } {
  const violations = new Violations();
  const lease = checkedLease(request, identity, violations);
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

export function parseSetOperatorState(request: SetOperatorStateRequest): {
  instanceId: string;
  change: OperatorStateChange;
} {
  const { instanceId, reason } = request;
  const violations = new Violations();
  const state = OPERATOR_STATE.get(request.state);
  checkInstanceId(instanceId, 'instance_id', violations);
  violations.check(
    state !== undefined,
    'state',
    `must be one of ${[...OPERATOR_STATE.keys()].map((s) => WireOperatorState[s]).join(', ')}`,
  );
  const { operatorReasonLength } = REQUEST_LIMITS;
  violations.check(
    reason.length <= operatorReasonLength && isPrintable(reason),
    'reason',
    `must have at most ${operatorReasonLength} characters, none of them a control character`,
  );
  violations.refuse();
  return { instanceId, change: { state: state ?? 'none', reason } };
}

export function parseListInstances({ service, pageSize, pageToken }: ListInstancesRequest): InstanceQuery {
  const violations = new Violations();
  if (service !== '') checkService(service, 'service', violations);
  violations.check(
    pageSize >= 0 && pageSize <= REQUEST_LIMITS.pageSize,
    'page_size',
    `must be 1 to ${REQUEST_LIMITS.pageSize}; leave it 0 for ${REQUEST_LIMITS.pageSize}`,
  );
  violations.check(
    isPageToken(pageToken),
    'page_token',
    'must be the next_page_token of a previous reply; leave it empty for the first page',
  );
  violations.refuse();
  return {
    service: serviceOrAll(service),
    afterId: readPageToken(pageToken),
    pageSize: pageSize === 0 ? REQUEST_LIMITS.pageSize : pageSize,
  };
}

export function parseWatch({ service, resumeFrom }: WatchRequest): Omit<WatchQuery, 'signal'> {
  const violations = new Violations();
  if (service !== '') checkService(service, 'service', violations);
  violations.refuse();
  return { service: serviceOrAll(service), resumeFrom };
}

/** The token of the page after the instance `lastId`. It is opaque to callers, so that its content may change. */
export function pageTokenAfter(lastId: string): string {
  return Buffer.from(lastId).toString('base64url');
}

/** Hashes the secret. From here on the registry doesn't keep the secret itself. */
function hashSecret(secret: Uint8Array): SecretHash | undefined {
  return secret.length === 0 ? undefined : createHash('sha256').update(secret).digest('base64');
}

/** Checks the length of a secret. The violation never contains the secret. */
function checkSecret(secret: Uint8Array, violations: Violations): void {
  const { min, max } = REQUEST_LIMITS.secretBytes;
  violations.check(
    secret.length === 0 || (secret.length >= min && secret.length <= max),
    'secret',
    `has ${secret.length} bytes; send ${min} to ${max} random bytes, the same each time`,
  );
}

function checkSequence(sequence: bigint, violations: Violations): void {
  violations.check(sequence >= 0n, 'sequence', "must count from 1; leave it 0 if the process doesn't number its calls");
}

function checkedLease(given: Lease, identity: Identity, violations: Violations): Lease {
  const { leaseId } = given;
  const instanceId = registeredId(given.instanceId, identity);
  violations.check(
    leaseId.length >= 1 && leaseId.length <= REQUEST_LIMITS.leaseIdLength,
    'lease_id',
    'must be the lease id that Register returned',
  );
  checkInstanceId(instanceId, 'instance_id', violations);
  return { leaseId, instanceId };
}

function parseStatus(status: WireStatus, field: string, violations: Violations): InstanceStatus {
  const parsed = STATUS.get(status);
  violations.check(
    parsed !== undefined,
    field,
    `must be one of ${[...STATUS.keys()].map((s) => WireStatus[s]).join(', ')}`,
  );
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

function serviceOrAll(service: string): string | undefined {
  return service === '' ? undefined : service;
}

/** Whether {@link pageTokenAfter} could have made `token`, or it is the empty token of the first page. */
function isPageToken(token: string): boolean {
  return token.length <= 2 * REQUEST_LIMITS.instanceIdLength && pageTokenAfter(readPageToken(token)) === token;
}

/** Reads the instance id from a token; empty for the first page. */
function readPageToken(token: string): string {
  return Buffer.from(token, 'base64url').toString();
}
