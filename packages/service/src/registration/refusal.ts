import { ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { RpcError, Status } from '@rondo/rpc/status';

/**
 * Whether another process holds the instance id: one that started later, or one that started in the same millisecond. It
 * may be gone soon.
 */
export function isDisplaced(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  if (error.code === Status.ABORTED) return true;
  return error.code === Status.PERMISSION_DENIED && error.detail(ErrorInfo)?.reason === 'INSTANCE_ID_HELD';
}

/**
 * What the registry's clock showed, in milliseconds since the Unix epoch, where that refused an incarnation which is ahead
 * of it; undefined for other faults.
 */
export function registryTimeOf(error: unknown): number | undefined {
  if (!(error instanceof RpcError) || error.code !== Status.INVALID_ARGUMENT) return undefined;
  const info = error.detail(ErrorInfo);
  if (info?.reason !== 'INCARNATION_AHEAD') return undefined;
  const timeMs = Number(info.metadata['registry_time_ms']);
  return Number.isSafeInteger(timeMs) && timeMs > 0 ? timeMs : undefined;
}
