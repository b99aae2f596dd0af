import { readTimeout } from '@rondo/rpc/internal';
import { gatewayErrors } from '../errors.js';

/** The longest delay of Node's timers, 24.8 days, in milliseconds. A longer timeout is shortened to it. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1_000;

/**
 * The milliseconds of a `grpc-timeout`; undefined if there is none. Source:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 *
 * @throws RpcError `INVALID_ARGUMENT` if it is malformed.
 */
export function grpcTimeoutMs(value: string | readonly string[] | undefined): number | undefined {
  const ms = readTimeout(value);
  if (Number.isNaN(ms)) throw gatewayErrors.INVALID_GRPC_TIMEOUT({ value: String(value).slice(0, 32) });
  return ms;
}

/**
 * The milliseconds of a `connect-timeout-ms`; undefined if there is none. Source: https://connectrpc.com/docs/protocol
 *
 * @throws RpcError `INVALID_ARGUMENT` if it is malformed.
 */
export function connectTimeoutMs(value: string | readonly string[] | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,10}$/.test(String(value)))
    throw gatewayErrors.INVALID_CONNECT_TIMEOUT({ value: String(value).slice(0, 32) });
  return Math.min(Number(value), MAX_TIMEOUT_MS);
}
