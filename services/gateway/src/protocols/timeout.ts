import type { IncomingHttpHeaders } from 'node:http';
import { readTimeout } from '@rondo/rpc/internal';
import { gatewayErrors } from '../errors.js';

/** The longest delay of Node's timers, 24.8 days, in milliseconds. A longer timeout is shortened to it. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1_000;

/**
 * The milliseconds of `grpc-timeout`; undefined if there is none. Source:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 *
 * @throws RpcError `INVALID_ARGUMENT` if it is malformed.
 */
export function grpcTimeoutMs({ 'grpc-timeout': value }: IncomingHttpHeaders): number | undefined {
  const ms = readTimeout(value);
  if (Number.isNaN(ms))
    throw invalid('Grpc-Timeout', value, 'write at most 8 digits and a unit of H M S m u n, such as 1500m');
  return ms;
}

/**
 * The milliseconds of `connect-timeout-ms`; undefined if there is none. Source: https://connectrpc.com/docs/protocol
 *
 * @throws RpcError `INVALID_ARGUMENT` if it is malformed.
 */
export function connectTimeoutMs({ 'connect-timeout-ms': value }: IncomingHttpHeaders): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,10}$/.test(String(value)))
    throw invalid('Connect-Timeout-Ms', value, 'write milliseconds in at most 10 digits');
  return Math.min(Number(value), MAX_TIMEOUT_MS);
}

const invalid = (header: string, value: unknown, rule: string) =>
  gatewayErrors.INVALID_TIMEOUT({ header, value: String(value).slice(0, 32), rule });
