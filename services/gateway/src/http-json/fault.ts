import type { OutgoingHttpHeaders } from 'node:http';
import type { Logger } from '@rondo/rpc/call';
import { httpStatusOf, RpcError, Status } from '@rondo/rpc/status';
import { challenge } from '../edge/challenge.js';
import { gatewayErrors } from '../errors.js';
import { BodyError, type HttpExchange } from '../listener/exchange.js';
import { addMetadata } from '../protocols/metadata.js';
import type { HttpCall } from './call.js';
import { retryAfterOf, statusJson } from './status-json.js';

/** An error whose HTTP status doesn't follow from its gRPC status. */
export class HttpFault extends Error {
  readonly status: number;
  readonly error: RpcError;
  readonly headers: OutgoingHttpHeaders;

  constructor(status: number, error: RpcError, headers: OutgoingHttpHeaders = {}) {
    super(error.message, { cause: error });
    this.status = status;
    this.error = error;
    this.headers = headers;
  }
}

/**
 * Converts what failed a call to an error whose text may be shown, with its HTTP status. Undefined if the client broke the request
 * off, because it then reads no answer.
 */
export const toFault = (call: HttpCall, caught: unknown): HttpFault | undefined =>
  faultOf(call.causeOf(caught), call.exchange, call.options.log);

/** As {@link toFault}, for a request that needn't be a call. */
export function faultOf(error: unknown, { headers: sent }: HttpExchange, log: Logger): HttpFault | undefined {
  if (error instanceof HttpFault) return error;
  if (error instanceof BodyError) return bodyFault(error);
  if (error instanceof RpcError) {
    const seconds = retryAfterOf(error);
    const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) };
    // The call of a request with `If-Match` is aborted because that didn't match.
    const isUnmatched = error.code === Status.ABORTED && sent['if-match'] !== undefined;
    return new HttpFault(isUnmatched ? 412 : httpStatusOf(error), error, headers);
  }
  log.error({ err: error }, 'a request failed inside the gateway');
  return new HttpFault(500, gatewayErrors.FAILED());
}

const BODY_STATUSES: ReadonlyMap<Status, number> = new Map([
  [Status.RESOURCE_EXHAUSTED, 413],
  [Status.DEADLINE_EXCEEDED, 408],
  [Status.UNAVAILABLE, 503],
]);

function bodyFault(error: BodyError): HttpFault | undefined {
  const status = BODY_STATUSES.get(error.code);
  if (status === undefined) return undefined;
  return new HttpFault(status, error, status === 503 ? { 'retry-after': '1' } : {});
}

/** Answers a failed request with a `google.rpc.Status`. If the answer has begun already, it is broken off. */
export function sendFault(call: HttpCall, caught: unknown): void {
  const { exchange, target, options } = call;
  const fault = toFault(call, caught);
  if (fault === undefined || exchange.responded) {
    exchange.abort(fault === undefined ? 'cancel' : 'internal');
    return;
  }
  challenge(exchange, fault.error, target.desc);
  const body = Buffer.from(JSON.stringify(statusJson(fault.error, target.types)));
  const headers: OutgoingHttpHeaders = {};
  if (fault.error.header !== undefined) addMetadata(headers, fault.error.header, options);
  addMetadata(headers, fault.error.metadata, options);
  exchange.respond(fault.status, {
    ...headers,
    ...fault.headers,
    'content-type': 'application/json',
    'content-length': body.length,
  });
  exchange.end(exchange.method === 'HEAD' ? undefined : body);
}
