import type { Random } from '@rondo/rpc/clock';
import { type RequestSpan, tracing } from '@rondo/rpc/internal';
import type { HttpExchange } from '../listener/exchange.js';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
const NO_TRACE = '0'.repeat(32);

/**
 * The id of a request: the trace id of its `traceparent`, or a new one, which then goes to the services as if the client
 * had sent it. The answer has it in `x-request-id`, and each log line of the call in all services. If tracing is on, the request
 * has a span.
 *
 * Source: https://www.w3.org/TR/trace-context/
 */
export function identify(exchange: HttpExchange, random: Random): string {
  const { headers, answerHeaders } = exchange;
  const span = tracing()?.request(methodOf(exchange), headers);
  const id = span?.traceId ?? withoutSpan(headers, random);
  answerHeaders['x-request-id'] = id;
  if (span !== undefined) exchange.onClose((left) => end(span, exchange, left));
  return id;
}

function withoutSpan(headers: HttpExchange['headers'], random: Random): string {
  const received = typeof headers.traceparent === 'string' ? TRACEPARENT.exec(headers.traceparent)?.[1] : undefined;
  const id = received === undefined || received === NO_TRACE ? random.hex(16) : received;
  if (id !== received) headers.traceparent = `00-${id}-${random.hex(8)}-01`;
  return id;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** A longer path is cut. Characters. */
const MAX_PATH = 200;

/** A client may send any method; spans have few. */
const methodOf = ({ method }: HttpExchange): string => (METHODS.has(method) ? method : '_OTHER');

/** Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ */
function end(span: RequestSpan, exchange: HttpExchange, left: boolean): void {
  const { status, path, route, version, secure } = exchange;
  const method = methodOf(exchange);
  span.end({
    name: route === undefined ? method : `${method} ${route}`,
    attributes: {
      'http.request.method': method,
      'url.path': path.slice(0, MAX_PATH),
      'url.scheme': secure ? 'https' : 'http',
      'network.protocol.version': version,
      ...(route !== undefined && { 'http.route': route }),
      ...(status > 0 && { 'http.response.status_code': status }),
    },
    fault: status >= 500 ? String(status) : left ? 'client_left' : undefined,
  });
}
