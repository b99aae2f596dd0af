import type { StatusName } from './code.js';
import type { RpcError } from './rpc-error.js';

/** The HTTP status of each gRPC status. Source: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const HTTP_STATUS: Readonly<Record<StatusName, number>> = {
  OK: 200,
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  UNAUTHENTICATED: 401,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
};

/** The HTTP status of an error, such as 404 of `NOT_FOUND`, for a program that serves HTTP and calls by gRPC. */
export function httpStatusOf({ codeName }: Pick<RpcError, 'codeName'>): number {
  return HTTP_STATUS[codeName];
}
