import type { OutgoingHttpHeaders } from 'node:http';
import type { DescMethod, Registry } from '@bufbuild/protobuf';
import type { Metadata } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { challenge } from '../edge/challenge.js';
import { gatewayErrors } from '../errors.js';
import { BodyError, type HttpExchange } from '../listener/exchange.js';
import { httpStatusOf, retryAfterOf, statusJson } from './status-json.js';

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

/** What a failed request is answered with. */
export interface FaultOptions {
  /** The method that was called. */
  readonly method: DescMethod;
  /** The types of the error's details. */
  readonly types: Registry;
  /** Adds the metadata of the error that a client may see to the headers. */
  readonly addMetadata: (headers: OutgoingHttpHeaders, metadata: Metadata) => void;
  /** Whether the request had `If-Match`. */
  readonly conditional: boolean;
  /** Hears of errors that are faults of the gateway. */
  readonly onFault: (error: unknown) => void;
}

/**
 * Converts an error to one whose text may be shown, with its HTTP status. Undefined if the client broke the request
 * off, because it then reads no answer.
 */
export function toFault(
  error: unknown,
  { conditional, onFault }: Pick<FaultOptions, 'conditional' | 'onFault'>,
): HttpFault | undefined {
  if (error instanceof HttpFault) return error;
  if (error instanceof BodyError) return bodyFault(error);
  if (error instanceof RpcError) {
    const seconds = retryAfterOf(error);
    const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) };
    return new HttpFault(httpStatusOf(error, conditional), error, headers);
  }
  onFault(error);
  return new HttpFault(500, gatewayErrors.JSON_FAILED());
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
export function sendFault(exchange: HttpExchange, error: unknown, options: FaultOptions): void {
  const fault = toFault(error, options);
  if (fault === undefined || exchange.responded) {
    exchange.abort(fault === undefined ? 'cancel' : 'internal');
    return;
  }
  challenge(exchange, fault.error, options.method);
  const body = Buffer.from(JSON.stringify(statusJson(fault.error, options.types)));
  const headers: OutgoingHttpHeaders = {};
  if (fault.error.header !== undefined) options.addMetadata(headers, fault.error.header);
  options.addMetadata(headers, fault.error.metadata);
  exchange.respond(fault.status, {
    ...headers,
    ...fault.headers,
    'content-type': 'application/json',
    'content-length': body.length,
  });
  exchange.end(exchange.method === 'HEAD' ? undefined : body);
}
