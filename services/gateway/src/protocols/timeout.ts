import { RpcError, Status } from '@rondo/rpc/status';

/** Node's timers take no more. 24.8 days, in milliseconds; a longer timeout is shortened to it. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1_000;
const MILLISECONDS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * The milliseconds of a `grpc-timeout`; undefined if there is none. Source:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 *
 * @throws RpcError `INVALID_ARGUMENT` if it is malformed.
 */
export function grpcTimeoutMs(value: string | readonly string[] | undefined): number | undefined {
  if (value === undefined) return undefined;
  const [, amount, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(value)) ?? [];
  // @cause The header with the call's deadline can't be read.
  // @remedy Write it as the text says.
  if (amount === undefined)
    throw malformed('grpc-timeout', 'at most eight digits and one of H, M, S, m, u, n, such as 500m', value);
  return Math.min(Math.ceil(Number(amount) * (MILLISECONDS[unit] ?? 0)), MAX_TIMEOUT_MS);
}

/**
 * The milliseconds of a `connect-timeout-ms`; undefined if there is none. Source: https://connectrpc.com/docs/protocol
 *
 * @throws RpcError `INVALID_ARGUMENT` if it is malformed.
 */
export function connectTimeoutMs(value: string | readonly string[] | undefined): number | undefined {
  if (value === undefined) return undefined;
  // @cause The header with the call's deadline can't be read.
  // @remedy Write it as the text says.
  if (!/^\d{1,10}$/.test(String(value)))
    throw malformed('connect-timeout-ms', 'at most ten digits, such as 500', value);
  return Math.min(Number(value), MAX_TIMEOUT_MS);
}

// @callers
function malformed(header: string, rule: string, value: string | readonly string[]): RpcError {
  return new RpcError(Status.INVALID_ARGUMENT, `${header}: "${String(value).slice(0, 32)}" must be ${rule}`);
}
