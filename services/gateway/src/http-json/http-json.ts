import type { RouteMatch } from '../discovery/catalogue.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import { type GivenOptions, withDefaults } from '../protocols/inbound-call.js';
import { HttpCall } from './call.js';
import { readConditions } from './conditions.js';
import { sendFault } from './fault.js';
import { serveStream } from './stream.js';
import { serveUnary } from './unary.js';

/** Serves the routes of `google.api.http` as JSON. The returned function never throws, and always ends the exchange. */
export function createHttpJson(given: GivenOptions): (exchange: HttpExchange, match: RouteMatch) => void {
  const options = withDefaults(given);
  return (exchange, match) => {
    exchange.answerHeaders['x-content-type-options'] = 'nosniff';
    const call = new HttpCall(exchange, match, options);
    serve(call).catch((fault: unknown) => {
      if (!call.left) sendFault(call, fault);
    });
  };
}

async function serve(call: HttpCall): Promise<void> {
  const { headers } = call.exchange;
  // Such a script would answer in place of the gateway, for the console too. Browsers take it from a sandboxed answer.
  if (headers['service-worker'] !== undefined) throw gatewayErrors.WORKER_OF_SERVICE();
  const conditions = readConditions(headers);
  const { requestStream, responseStream } = call.target.method;
  await (requestStream || responseStream ? serveStream : serveUnary)(call, conditions);
}
