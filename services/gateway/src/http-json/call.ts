import type { IncomingHttpHeaders } from 'node:http';
import type { RouteMatch } from '../discovery/catalogue.js';
import type { HttpExchange } from '../listener/exchange.js';
import { type FrontEndOptions, InboundCall } from '../protocols/inbound-call.js';
import { connectTimeoutMs, grpcTimeoutMs } from '../protocols/timeout.js';

/** One call that a request to an annotated path makes. */
export class HttpCall extends InboundCall {
  readonly match: RouteMatch;

  constructor(exchange: HttpExchange, match: RouteMatch, options: FrontEndOptions) {
    super(exchange, match.target, options);
    this.match = match;
  }
}

/**
 * How long the caller gives a call, in milliseconds: `Grpc-Timeout: 1500m`, or `Connect-Timeout-Ms: 1500`. Undefined if it
 * says nothing.
 *
 * @throws RpcError `INVALID_ARGUMENT` that names the header.
 */
export const timeoutOf = (headers: IncomingHttpHeaders): number | undefined =>
  grpcTimeoutMs(headers) ?? connectTimeoutMs(headers);
