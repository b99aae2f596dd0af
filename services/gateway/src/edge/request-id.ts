import type { Random } from '@rondo/rpc/clock';
import { type RequestSpan, TRACE, tracing } from '@rondo/rpc/internal';
import type { HttpExchange } from '../listener/exchange.js';

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;
const NO_TRACE = '0'.repeat(32);

/** A longer baggage is left out. Characters. Source: https://www.w3.org/TR/baggage/#limits */
const MAX_BAGGAGE = 8_192;

/**
 * The id of a request: its trace id, which the services get, too. The answer has it in `x-request-id`, and each log line of the call in all
 * services. If tracing is on, the request has a span.
 *
 * Only a caller that `mayTrace` is obeyed: its `traceparent` says what is sampled, and its baggage goes on to the services. The request of a
 * stranger begins a trace, with a link to the stranger's own; a stranger that chose the id could have all of its requests sampled.
 *
 * Source: https://www.w3.org/TR/trace-context/
 */
export function identify(exchange: HttpExchange, random: Random, mayTrace: (address: string) => boolean): string {
  const { headers, answerHeaders } = exchange;
  const received = take(headers, mayTrace(exchange.remote));
  const span = tracing()?.request(methodOf(exchange), headers, received.linkTo);
  const id = span?.traceId ?? received.traceId ?? random.hex(16);
  if (span === undefined && received.traceId === undefined) headers[TRACE] = id;
  answerHeaders['x-request-id'] = id;
  if (span !== undefined) exchange.onClose((left) => end(span, exchange, left));
  return id;
}

/** Takes from `headers` what nobody obeys: all of a stranger's entries, and those that aren't valid. */
function take(headers: HttpExchange['headers'], obeyed: boolean): { traceId?: string | undefined; linkTo: string } {
  const { traceparent = '', baggage = '' } = headers;
  const traceId = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent)?.[1] : undefined;
  const known = traceId === NO_TRACE ? undefined : traceId;
  delete headers[TRACE];
  if (!obeyed || baggage.length > MAX_BAGGAGE) delete headers['baggage'];
  if (obeyed && known !== undefined) return { traceId: known, linkTo: '' };
  delete headers['traceparent'];
  delete headers['tracestate'];
  return { linkTo: known === undefined ? '' : String(traceparent) };
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
