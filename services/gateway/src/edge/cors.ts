import type { OutgoingHttpHeaders } from 'node:http';
import { cors } from '@connectrpc/connect';
import type { HttpExchange } from '../listener/exchange.js';

/** Decides which pages of other origins may call from a browser. */
export interface Cors {
  /**
   * Whether a page of an origin that isn't allowed sent the request, and it may change something. A browser sends some
   * requests to any address without asking first: a page could call services that only this machine can reach (cross-site
   * request forgery). Programs other than browsers send no `Origin`.
   *
   * Source: https://words.filippo.io/csrf/
   */
  isForged(exchange: HttpExchange): boolean;
  /** The headers that allow the page of a request to read the answer, and say that another page may get others. */
  headersFor(exchange: HttpExchange): OutgoingHttpHeaders | undefined;
  /** Answers a preflight request; false if the request is no preflight. */
  answerPreflight(exchange: HttpExchange): boolean;
}

const METHODS = [...new Set([...cors.allowedMethods, 'PUT', 'PATCH', 'DELETE'])].join(', ');
const EXPOSED = [
  ...cors.exposedHeaders,
  'ETag',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
].join(', ');
/** The origin by which a client reached the gateway: its scheme, host and port. Undefined if the host is none. */
export function ownOrigin({ secure, authority, headers }: HttpExchange): string | undefined {
  const own = `${headers['x-forwarded-proto'] ?? (secure ? 'https' : 'http')}://${authority}`;
  return URL.canParse(own) ? new URL(own).origin : undefined;
}

/**
 * Whether the page that sent a request has the request's own origin: its scheme, host and port. A proxy that ends TLS says so in
 * `X-Forwarded-Proto`. No page can set that header for another origin, as a browser asks before it does.
 */
export const isOwnOrigin = (exchange: HttpExchange, origin: string): boolean =>
  URL.canParse(origin) && new URL(origin).origin === ownOrigin(exchange);

/** Methods that change nothing. Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** How long a browser may keep the answer to a preflight: as long as Chromium does at most. Seconds. */
const MAX_AGE = 7_200;

/**
 * Cross-origin resource sharing for some origins, without cookies. A safe request of another origin is still served:
 * browsers keep its answer from the page.
 *
 * Source: https://fetch.spec.whatwg.org/#http-cors-protocol
 *
 * @param origins such as `https://app.example.com`, or `*` for any.
 */
export function createCors(origins: readonly string[]): Cors {
  const any = origins.includes('*');
  const allowed = new Set(origins);
  const allowFor = ({ headers: { origin } }: HttpExchange): OutgoingHttpHeaders | undefined => {
    if (any) return { 'access-control-allow-origin': '*' };
    if (typeof origin !== 'string' || !allowed.has(origin)) return undefined;
    return { 'access-control-allow-origin': origin, vary: 'Origin' };
  };
  return {
    isForged(exchange) {
      const { origin } = exchange.headers;
      if (SAFE.has(exchange.method) || origin === undefined || any || allowed.has(origin)) return false;
      return !isOwnOrigin(exchange, origin);
    },
    headersFor(exchange) {
      const headers = exchange.headers.origin === undefined ? undefined : allowFor(exchange);
      if (headers !== undefined) return { ...headers, 'access-control-expose-headers': EXPOSED };
      // A cache would give the answer to pages that may read theirs.
      return allowed.size > 0 && !any ? { vary: 'Origin' } : undefined;
    },
    answerPreflight(exchange) {
      const { method, headers } = exchange;
      const asked = headers['access-control-request-method'];
      if (method !== 'OPTIONS' || asked === undefined || headers.origin === undefined) return false;
      const requested = headers['access-control-request-headers'];
      exchange.respond(204, {
        vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
        ...allowPreflight(allowFor(exchange), requested),
      });
      exchange.end();
      exchange.body.discard();
      return true;
    },
  };
}

/** What a preflight allows: nothing for another origin, else every method, and the headers that the page wants to send. */
function allowPreflight(
  allow: OutgoingHttpHeaders | undefined,
  requested: string | undefined,
): OutgoingHttpHeaders | undefined {
  return (
    allow && {
      'access-control-allow-origin': allow['access-control-allow-origin'],
      'access-control-allow-methods': METHODS,
      'access-control-allow-headers': requested ?? '',
      'access-control-max-age': `${MAX_AGE}`,
    }
  );
}
