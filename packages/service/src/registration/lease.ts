import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import {
  type Instance,
  InstanceStatus,
  type RegistryServiceDefinition,
} from '@rondo/contracts/rondo/registry/v1/registry';
import type { Client } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';

/** The methods of the registry that a registration calls. */
export type RegistryClient = Pick<
  Client<typeof RegistryServiceDefinition>,
  'register' | 'renew' | 'update' | 'deregister'
>;

/** What a process registers, without the fields that change later or that the registry sets. */
export type Registrant = Omit<
  Instance,
  'status' | 'registerTime' | 'serviceTimes' | 'revision' | 'operatorState' | 'lapseTime' | 'lastRefused'
>;

/** What a process reports of itself, and may change. */
export interface Reported {
  readonly status: InstanceStatus;
  readonly weight: number;
}

/** A lease that the registry granted, with what the process last sent. */
export interface Lease extends Reported {
  readonly id: string;
  readonly ttlMs: number;
}

/** How leases are requested. */
export interface LeaseOptions {
  readonly registry: RegistryClient;
  readonly instance: Registrant;
  /** Proves to the registry that a repeated registration comes from the same process. */
  readonly secret: Buffer;
  readonly ttlMs: number;
  /** Numbers this process's requests: the registry drops a request that a later one has overtaken. */
  readonly nextSequence: () => bigint;
  /** Called when the registry no longer knows the lease. */
  readonly onForgotten: () => void;
}

/** Timeout of a call to the registry; a third of the lease if that is shorter. */
const CALL_TIMEOUT_MS = 3_000;

/**
 * Makes one call so that the registry holds what is `wanted` under a fresh lease: it registers, updates or renews. If the registry has
 * forgotten the lease, the process registers again at once; while it drains it doesn't, because its successor may have registered.
 */
export async function refreshLease(lease: Lease | undefined, wanted: Reported, options: LeaseOptions): Promise<Lease> {
  if (lease === undefined) return register(wanted, options);
  try {
    return await (isReported(lease, wanted) ? renew(lease, options) : update(lease, wanted, options));
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== Status.NOT_FOUND) throw error;
    if (wanted.status === InstanceStatus.INSTANCE_STATUS_DRAINING) return { ...lease, ...wanted };
    options.onForgotten();
    return register(wanted, options);
  }
}

/** Whether the registry holds what is wanted. */
export const isReported = (lease: Reported, wanted: Reported): boolean =>
  lease.status === wanted.status && lease.weight === wanted.weight;

/**
 * Deregisters. The request has a sequence number too, so that a registration which was given up and arrives later
 * doesn't bring the instance back.
 */
export async function endLease({ id }: Lease, options: LeaseOptions): Promise<void> {
  const { registry, instance, nextSequence } = options;
  const request = { leaseId: id, instanceId: instance.instanceId, sequence: nextSequence() };
  await registry.deregister(request, limits(options));
}

async function register(wanted: Reported, options: LeaseOptions): Promise<Lease> {
  const { registry, instance, secret, ttlMs, nextSequence } = options;
  const request = { instance: { ...instance, ...wanted }, ttl: toDuration(ttlMs), sequence: nextSequence(), secret };
  const { leaseId, ttl } = await registry.register(request, limits(options));
  return { id: leaseId, ttlMs: toMs(ttl) ?? ttlMs, ...wanted };
}

async function renew(lease: Lease, options: LeaseOptions): Promise<Lease> {
  const { registry, instance } = options;
  const { ttl } = await registry.renew({ leaseId: lease.id, instanceId: instance.instanceId }, limits(options));
  return { ...lease, ttlMs: toMs(ttl) ?? lease.ttlMs };
}

async function update(lease: Lease, wanted: Reported, options: LeaseOptions): Promise<Lease> {
  const { registry, instance, nextSequence } = options;
  const { instanceId } = instance;
  const updateMask = ['status', 'weight'];
  const request = { leaseId: lease.id, instanceId, ...wanted, updateMask, sequence: nextSequence() };
  await registry.update(request, limits(options));
  return { ...lease, ...wanted };
}

function limits({ ttlMs }: LeaseOptions) {
  return { timeoutMs: Math.min(CALL_TIMEOUT_MS, ttlMs / 3) };
}

function toDuration(ms: number): Duration {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) };
}

function toMs(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/**
 * Whether another process holds the instance id: one that started later, or one that started in the same millisecond.
 * That process may end soon, so it is worth registering again.
 */
export function isDisplaced(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  if (error.code === Status.ABORTED) return true;
  return error.code === Status.PERMISSION_DENIED && error.detail(ErrorInfo)?.reason === 'INSTANCE_ID_HELD';
}

/**
 * The registry's time, in milliseconds since the Unix epoch, if it refused an incarnation that is ahead of its clock;
 * undefined for other errors.
 */
export function registryTimeOf(error: unknown): number | undefined {
  if (!(error instanceof RpcError) || error.code !== Status.INVALID_ARGUMENT) return undefined;
  const info = error.detail(ErrorInfo);
  if (info?.reason !== 'INCARNATION_AHEAD') return undefined;
  const timeMs = Number(info.metadata['registry_time_ms']);
  return Number.isSafeInteger(timeMs) && timeMs > 0 ? timeMs : undefined;
}
