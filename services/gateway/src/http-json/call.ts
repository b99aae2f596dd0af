import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { CallContext, Metadata } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import type { RouteMatch } from '../discovery/catalogue.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { Backend } from '../protocols/backend.js';
import type { Conditions } from './conditions.js';

/** What HTTP/JSON needs of the rest of the gateway. */
export interface HttpJsonOptions {
  readonly backend: Backend;
  /** The metadata of a request. It throws an RpcError if the headers can't be metadata. */
  readonly metadataOf: (exchange: HttpExchange) => Metadata;
  /** Adds the metadata of a reply that a client may see to its headers. */
  readonly addMetadata: (headers: OutgoingHttpHeaders, metadata: Metadata) => void;
  /** The maximum size of a message in JSON, in bytes. 4 MiB by default. */
  readonly maxMessageBytes?: number;
  /** Aborts when the public port begins to drain: streams without an end of their own then end. By default never. */
  readonly draining?: AbortSignal;
  /** Hears of errors that are faults of the gateway. */
  readonly onFault?: (error: unknown) => void;
  readonly clock?: Clock;
}

/** One call that an HTTP request makes. */
export interface HttpCall extends Required<HttpJsonOptions> {
  readonly exchange: HttpExchange;
  readonly match: RouteMatch;
  readonly context: CallContext;
  readonly conditions: Conditions;
  /** Whether the client went away, so that there is no reader for an answer. */
  readonly left: () => boolean;
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * How long the caller gives a call, in milliseconds: `Grpc-Timeout: 1500m`, or `Connect-Timeout-Ms: 1500`. Undefined if it
 * says nothing.
 *
 * Sources: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, https://connectrpc.com/docs/protocol
 *
 * @throws RpcError `INVALID_ARGUMENT` that names the header.
 */
export function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const [grpc, connect] = [headers['grpc-timeout'], headers['connect-timeout-ms']];
  if (typeof grpc === 'string') {
    const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(grpc) ?? [];
    if (digits !== undefined) return Number(digits) * (UNIT_MS[unit] ?? 1);
    const rule = 'write at most 8 digits and a unit of H M S m u n, such as 1500m';
    throw gatewayErrors.INVALID_TIMEOUT({ header: 'Grpc-Timeout', value: grpc, rule });
  }
  if (typeof connect === 'string') {
    if (/^\d{1,10}$/.test(connect)) return Number(connect);
    const rule = 'write milliseconds in at most 10 digits';
    throw gatewayErrors.INVALID_TIMEOUT({ header: 'Connect-Timeout-Ms', value: connect, rule });
  }
  return undefined;
}

/**
 * Reads a request within the time that its caller gives the call. Returns what is left of that time, too.
 *
 * @throws RpcError `DEADLINE_EXCEEDED` if the request takes longer.
 */
export async function readInTime<T>({ exchange, clock, context }: HttpCall, read: () => Promise<T>) {
  const timeoutMs = timeoutOf(exchange.headers);
  if (timeoutMs === undefined) return { request: await read(), timeoutMs };
  const startedAt = clock.now();
  const timer = clock.setTimer(timeoutMs, () => context.end(gatewayErrors.TOO_LATE({ timeoutMs })));
  try {
    const request = await context.race(read());
    return { request, timeoutMs: timeoutMs - (clock.now() - startedAt) };
  } finally {
    timer.cancel();
  }
}
