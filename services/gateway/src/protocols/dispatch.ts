import type { OutgoingHttpHeaders } from 'node:http';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { type RpcError, Status } from '@rondo/rpc/status';
import type { Absent, PublicMethod, RouteMatch } from '../discovery/catalogue.js';
import type { LiveCatalogue } from '../discovery/create-catalogue.js';
import { hold } from '../edge/hold.js';
import { gatewayErrors } from '../errors.js';
import { statusJson } from '../http-json/status-json.js';
import type { HttpExchange, HttpHandler } from '../listener/exchange.js';
import { codecOfQuery, isConnectGet } from './connect-get.js';
import { type GivenOptions, withDefaults } from './inbound-call.js';
import { createFormats, type Format, type Formats, PROTOCOLS } from './protocols.js';

export interface DispatchOptions extends GivenOptions {
  readonly catalogue: Pick<LiveCatalogue, 'method' | 'route' | 'learning' | 'onChange'>;
  readonly httpJson: (exchange: HttpExchange, match: RouteMatch) => void;
  /** Serves the fixed paths, such as `/` and `/readyz`. It returns whether the path is one of them. */
  readonly pages: (exchange: HttpExchange) => boolean;
}

/** Hands requests to the protocols. */
export interface Dispatch {
  /** Serves a request by the protocol that it speaks: by its path, its HTTP method and its content type. */
  readonly handle: HttpHandler;
  /** Answers a request with an error, in the protocol that it speaks. The HTTP status is used by protocols that have one. */
  refuse(exchange: HttpExchange, error: RpcError, status: number): void;
}

/** How long a request waits at most for the contract of new instances. */
const LEARNING_MS = 2_000;

export function createDispatch({ catalogue, httpJson, pages, ...given }: DispatchOptions): Dispatch {
  const options = withDefaults(given);
  const { clock, log } = options;
  const formats = createFormats(options);
  /** Dispatches a request to a service whose instances are all new, or to an unknown path, again once the contract is known. */
  const waits = (exchange: HttpExchange, found?: PublicMethod): boolean => {
    const service = found?.method.path.slice(1, found.method.path.lastIndexOf('/'));
    if (!catalogue.learning(service)) return false;
    const isReady = () => !catalogue.learning(service);
    hold(exchange, { catalogue, clock, mostMs: LEARNING_MS, isReady }, () => handle(exchange, () => false));
    return true;
  };
  const dispatch = (exchange: HttpExchange, mustWait: typeof waits): void => {
    if (pages(exchange)) return;
    const format = formats.of(exchange.headers['content-type']);
    const found = catalogue.method(exchange.path);
    if (isMethod(found)) {
      if (mustWait(exchange, found)) return;
      exchange.route = found.method.path;
    }
    if (found !== 'unknown' || (format !== undefined && isOnlyRpc(format)) || isRpcLike(exchange)) {
      serveCall(exchange, found, { format, formats });
      return;
    }
    const route = catalogue.route(exchange.method === 'HEAD' ? 'GET' : exchange.method, exchange.path);
    if (route === undefined) {
      if (!mustWait(exchange)) refuseUnknown(exchange, format);
    } else if ('target' in route) {
      if (mustWait(exchange, route.target)) return;
      exchange.route = route.binding.template.text;
      httpJson(exchange, route);
    } else refuse(exchange, 405, { code: Status.INVALID_ARGUMENT, ...notAllowed(exchange, route.allow) });
  };
  const handle = (exchange: HttpExchange, mustWait = waits): void => {
    try {
      dispatch(exchange, mustWait);
    } catch (fault) {
      log.error({ err: fault, path: exchange.path }, 'a request failed inside the gateway');
      exchange.abort('internal');
    }
  };
  return {
    handle: (exchange) => handle(exchange),
    refuse(exchange, error, status) {
      const format = formats.of(exchange.headers['content-type']);
      if (
        format !== undefined &&
        isSpoken(format, exchange) &&
        (isOnlyRpc(format) || METHOD_PATH.test(exchange.path))
      ) {
        exchange.body.discard();
        format.frontEnd.refuse(exchange, error);
      } else if (exchange.method === 'GET' && METHOD_PATH.test(exchange.path) && isConnectGet(exchange.query)) {
        exchange.body.discard();
        formats.get.json.refuse(exchange, error);
      } else refuse(exchange, status, statusJson(error));
    },
  };
}

/** Whether a content type is one of calls alone. JSON is also that of annotated paths. */
function isOnlyRpc({ protocol }: Format): boolean {
  return protocol.prefix !== undefined;
}

/** Whether a content type belongs to a protocol of calls, though perhaps with a codec that the gateway lacks. */
function isRpcLike({ headers: { 'content-type': contentType = '' } }: HttpExchange): boolean {
  const lower = contentType.toLowerCase();
  return PROTOCOLS.some(({ prefix }) => prefix !== undefined && lower.startsWith(prefix));
}

/** Whether the protocol can be spoken over the request's version of HTTP. */
function isSpoken({ protocol }: Format, { version }: HttpExchange): boolean {
  return protocol.http1 || version === '2';
}

interface CallFormat {
  readonly format: Format | undefined;
  readonly formats: Formats;
}

function serveCall(exchange: HttpExchange, found: PublicMethod | Absent, { format, formats }: CallFormat): void {
  if (exchange.method === 'GET' && isMethod(found) && isSafe(found)) {
    serveGet(exchange, found, formats);
  } else if (exchange.method !== 'POST') {
    refuseCall(exchange, 405, notAllowed(exchange, isMethod(found) && isSafe(found) ? ['POST', 'GET'] : ['POST']));
  } else if (format === undefined) {
    refuseContentType(exchange);
  } else if (!isSpoken(format, exchange)) {
    refuseCall(exchange, 426, {
      message: 'gRPC needs HTTP/2; connect by HTTP/2, or speak gRPC-Web or Connect',
      headers: { upgrade: 'h2c', connection: 'upgrade' },
    });
  } else if (!isMethod(found)) {
    refuseAbsent(exchange, found, format);
  } else if (fits(found, format)) {
    format.frontEnd.serve(exchange, found);
  } else {
    refuseContentType(exchange);
  }
}

function isMethod(found: PublicMethod | Absent): found is PublicMethod {
  return typeof found === 'object' && 'method' in found;
}

/** Connect has one format for unary calls and one for streams. */
function fits({ method }: PublicMethod, { protocol: { methods } }: Format): boolean {
  const streaming = method.requestStream || method.responseStream;
  return methods === 'all' || streaming === (methods === 'streaming');
}

function isSafe({ desc }: PublicMethod): boolean {
  return desc.methodKind === 'unary' && desc.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

function serveGet(exchange: HttpExchange, target: PublicMethod, { get }: Formats): void {
  const codec = isConnectGet(exchange.query) ? codecOfQuery(exchange.query) : undefined;
  if (codec === undefined) {
    refuseCall(exchange, 415, {
      message: 'a call by GET needs encoding=proto or encoding=json, and message, in the query',
    });
  } else get[codec].serve(exchange, target);
}

/** The method isn't served: now, or at all. */
function refuseAbsent(exchange: HttpExchange, absent: Absent, { protocol, frontEnd }: Format): void {
  exchange.body.discard();
  if (typeof absent === 'object') {
    frontEnd.refuse(exchange, gatewayErrors[absent.reason]({ service: absent.service }));
  } else {
    protocol.refuseUnknown(exchange, gatewayErrors.NO_METHOD({ path: exchange.path.slice(0, 256) }), frontEnd);
  }
}

/** The path of a method of any service. */
const METHOD_PATH = /^\/[\w.]+\.\w+\/\w+$/;

function refuseUnknown(exchange: HttpExchange, format: Format | undefined): void {
  if (format !== undefined && exchange.method === 'POST' && METHOD_PATH.test(exchange.path)) {
    refuseAbsent(exchange, 'unknown', format);
  } else {
    refuse(exchange, 404, { code: Status.NOT_FOUND, message: 'there is nothing at this path; / lists what is served' });
  }
}

/** What may be the custom verb of a path: `cancel` of `/v1/orders/7:cancel`. */
const CUSTOM_VERB = /:(\w{1,64})$/;

function notAllowed({ method, path }: HttpExchange, allow: readonly string[]): Refusal {
  const allowed = allow.join(', ');
  const custom = CUSTOM_VERB.exec(path)?.[1];
  const rest = custom === undefined ? '' : `, and no custom method ${custom} takes ${method}; / lists what is served`;
  return { message: `this path takes ${allowed}; not ${method}${rest}`, headers: { allow: allowed } };
}

const CONTENT_TYPES = PROTOCOLS.flatMap(({ contentTypes }) => contentTypes).join(', ');

function refuseContentType(exchange: HttpExchange): void {
  refuseCall(exchange, 415, {
    message: `a call needs a content type that fits the method: one of ${CONTENT_TYPES}; streams of Connect have connect+json or connect+proto`,
    headers: { 'accept-post': CONTENT_TYPES },
  });
}

interface Refusal {
  readonly message: string;
  readonly details?: readonly unknown[];
  readonly headers?: OutgoingHttpHeaders;
}

/** Refuses a call by its HTTP status. Clients of Connect would take a JSON body for an error of the method. */
function refuseCall(exchange: HttpExchange, status: number, { message, headers }: Refusal): void {
  answer(exchange, status, { ...headers, body: message, 'content-type': 'text/plain; charset=utf-8' });
}

/** Refuses a request to no method with a `google.rpc.Status` in JSON. */
function refuse(exchange: HttpExchange, status: number, refusal: Refusal & { readonly code: Status }): void {
  const { code, message, headers, details = [] } = refusal;
  const body = JSON.stringify({ code, message, details });
  answer(exchange, status, { ...headers, body, 'content-type': 'application/json' });
}

function answer(
  exchange: HttpExchange,
  status: number,
  { body, ...headers }: OutgoingHttpHeaders & { body: string },
): void {
  const bytes = Buffer.from(body);
  // Before the answer, so that an HTTP/1.1 connection outlives a refused request.
  exchange.body.discard();
  exchange.respond(status, { ...headers, 'content-length': bytes.length });
  exchange.end(bytes);
}
