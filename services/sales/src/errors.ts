import { createStatusMapping } from '@rondo/resources';
import type { DomainError } from '@rondo/resources/domain';
import { RpcError, Status } from '@rondo/rpc/status';
import { DeliveryRefused, TotalOutOfRange } from './domain/errors.js';

/** The statuses of this service's errors. */
export const errors = createStatusMapping('sales', ownError);
export const { toRpcError, withRpcErrors, streamWithRpcErrors } = errors;

function ownError(error: DomainError): RpcError | undefined {
  const { message, cause } = error;
  if (error instanceof TotalOutOfRange) return new RpcError(Status.OUT_OF_RANGE, message, { cause: error });
  if (!(error instanceof DeliveryRefused)) return undefined;
  // Project management's details, such as how much time is missing, are passed on to the caller.
  const details = cause instanceof RpcError ? cause.details : [];
  return new RpcError(Status.FAILED_PRECONDITION, message, { details, cause: error });
}
