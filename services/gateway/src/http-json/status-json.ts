import { create, createRegistry, type Registry } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { type RpcError, Status } from '@rondo/rpc/status';
import { toJsonValue } from './json.js';

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
