import { CallContext } from '@rondo/rpc/call';
import { systemClock } from '@rondo/rpc/clock';
import { clientErrors } from '@rondo/rpc/internal';
import type { RouteMatch } from '../discovery/catalogue.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { HttpCall, HttpJsonOptions } from './call.js';
import { readConditions } from './conditions.js';
import { sendFault } from './fault.js';
import { serveStream } from './stream.js';
import { serveUnary } from './unary.js';

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
