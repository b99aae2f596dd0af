import type { Random } from '@rondo/rpc/clock';
import type { HttpExchange } from '../listener/exchange.js';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
const NO_TRACE = '0'.repeat(32);

/**
 * The id of a request: the trace id of its `traceparent`, or a new one, which then goes to the services as if the client
 * had sent it. The answer has it in `x-request-id`, and each log line of the call in all services.
 *
 * Source: https://www.w3.org/TR/trace-context/
 */
export function identify({ headers, answerHeaders }: HttpExchange, random: Random): string {
  const received = typeof headers.traceparent === 'string' ? TRACEPARENT.exec(headers.traceparent)?.[1] : undefined;
  const id = received === undefined || received === NO_TRACE ? random.hex(16) : received;
  if (id !== received) headers.traceparent = `00-${id}-${random.hex(8)}-01`;
  answerHeaders['x-request-id'] = id;
  return id;
}
