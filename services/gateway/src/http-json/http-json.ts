import type { OutgoingHttpHeaders } from 'node:http';
import type { Metadata } from '@rondo/rpc/call';
import { CallContext } from '@rondo/rpc/call';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { clientErrors } from '@rondo/rpc/internal';
import type { RouteMatch } from '../discovery/catalogue.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { Backend } from '../protocols/backend.js';
import { type Conditions, readConditions } from './conditions.js';
import { sendFault } from './fault.js';
import { serveStream } from './stream.js';
import { serveUnary } from './unary.js';

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

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Serves the routes of `google.api.http` as JSON. The returned function never throws, and always ends the exchange. */
export function createHttpJson(options: HttpJsonOptions): (exchange: HttpExchange, match: RouteMatch) => void {
  const { maxMessageBytes = MAX_MESSAGE_BYTES, onFault = () => {}, draining = new AbortController().signal } = options;
  const complete = { clock: systemClock, ...options, maxMessageBytes, onFault, draining };
  return (exchange, match) => {
    const context = new CallContext();
    exchange.answerHeaders['x-content-type-options'] = 'nosniff';
    let left = false;
    exchange.onClose((early) => {
      left = early;
      if (early) context.end(clientErrors.CANCELLED());
    });
    serve({ ...complete, exchange, match, context, left: () => left }).catch((error: unknown) => {
      if (left) return;
      const conditional = exchange.headers['if-match'] !== undefined;
      const { desc: method, types } = match.target;
      sendFault(exchange, error, { method, types, conditional, onFault, addMetadata: options.addMetadata });
    });
  };
}

async function serve(call: Omit<HttpCall, 'conditions'>): Promise<void> {
  // Such a script would answer in place of the gateway, for the console too. Browsers take it from a sandboxed answer.
  if (call.exchange.headers['service-worker'] !== undefined) throw gatewayErrors.WORKER_OF_SERVICE();
  const conditions = readConditions(call.exchange.headers);
  const { requestStream, responseStream } = call.match.target.method;
  await (requestStream || responseStream ? serveStream({ ...call, conditions }) : serveUnary({ ...call, conditions }));
}
