import type { Random } from '@rondo/rpc/clock';
import { tracing, undecidedParent, validParent } from '@rondo/rpc/internal';
import { isConsolePath } from '../console/gate.js';
import type { HttpExchange } from '../listener/exchange.js';

/** A longer baggage is left out. Characters. Source: https://www.w3.org/TR/baggage/#limits */
const MAX_BAGGAGE = 8_192;

/**
 * The id of a request: the trace id of its `traceparent`, or a new one. The services get it, the answer has it in `x-request-id`, and each log
 * line of the call in all services. If tracing is on, the request has a span.
 *
 * Only a caller that `mayTrace` decides what is sampled, and sends baggage to the services. The span of another one's request is a root of its
 * trace, with a link to the client's span.
 *
 * Source: https://www.w3.org/TR/trace-context/
 */
export function identify(exchange: HttpExchange, random: Random, mayTrace: (address: string) => boolean): string {
  const { headers, answerHeaders } = exchange;
  const { traceparent } = headers;
  const known = validParent(traceparent)?.slice(3, 35);
  const obeyed = mayTrace(exchange.remote);
  const id = known ?? random.hex(16);
  if (!obeyed || (headers['baggage']?.length ?? 0) > MAX_BAGGAGE) delete headers['baggage'];
  if (!obeyed || known === undefined) {
    headers['traceparent'] = undecidedParent(id);
    delete headers['tracestate'];
  }
  const linkTo = known === undefined || obeyed ? '' : String(traceparent);
  // What looks at traces doesn't add to them.
  const span = isConsolePath(exchange.path) ? undefined : tracing()?.request(methodOf(exchange), headers, linkTo);
  answerHeaders['x-request-id'] = id;
  if (span !== undefined) exchange.onClose((left) => span.end(outcomeOf(exchange, left)));
  return id;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** A longer path is cut. Characters. */
const MAX_PATH = 200;

type Ended = Pick<HttpExchange, 'method' | 'status' | 'path' | 'route' | 'version' | 'secure'>;

/** What the span and the metrics of a request have. A client may send any method; series are few. */
export const attributesOf = ({ status, route, secure, ...exchange }: Ended) => ({
  'http.request.method': methodOf(exchange),
  'url.scheme': secure ? 'https' : 'http',
  ...(status > 0 && { 'http.response.status_code': status }),
  ...(route !== undefined && { 'http.route': route }),
});

const methodOf = ({ method }: Pick<HttpExchange, 'method'>): string => (METHODS.has(method) ? method : '_OTHER');

/** What the span of a request tells at its end. Source: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ */
export function outcomeOf(exchange: Ended, left: boolean) {
  const { status, path, route, version } = exchange;
  const method = methodOf(exchange);
  const failed = status >= 500;
  return {
    name: route === undefined ? method : `${method} ${route}`,
    attributes: {
      ...attributesOf(exchange),
      'url.path': path.slice(0, MAX_PATH),
      'network.protocol.version': version,
      ...(left && !failed && { 'rondo.client_left': true }),
    },
    fault: failed ? String(status) : undefined,
  };
}
