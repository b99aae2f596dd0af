import { create, createRegistry, type Registry } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { type RpcError, Status, type StatusName } from '@rondo/rpc/status';
import { toJsonValue } from './json.js';

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

/** The HTTP status of an error. `conditional`: the request had `If-Match`, so ABORTED means that it didn't match. */
export function httpStatusOf({ code, codeName }: RpcError, conditional = false): number {
  return conditional && code === Status.ABORTED ? 412 : HTTP_STATUS[codeName];
}

/** An error as the JSON of `google.rpc.Status`. Details of unknown types, and those without JSON, are base64. It doesn't throw. */
export function statusJson({ code, message, details }: RpcError, types: Registry = createRegistry()) {
  const shown = details.map(({ typeUrl, value }) => {
    try {
      return toJsonValue(AnySchema, create(AnySchema, { typeUrl, value }), { types, int64AsNumber: false });
    } catch {
      return { '@type': typeUrl, value: Buffer.from(value).toString('base64') };
    }
  });
  return { code, message, details: shown };
}

/** The seconds of `Retry-After`: what the error says, or 1 if no instance could take the call; undefined if neither. */
export function retryAfterOf(error: RpcError): number | undefined {
  const delay = error.detail(RetryInfo)?.retryDelay;
  if (delay !== undefined) return Math.max(1, Math.ceil(Number(delay.seconds) + delay.nanos / 1e9));
  return error.code === Status.UNAVAILABLE ? 1 : undefined;
}
