import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpExchange } from './exchange.js';
import { type Arrived, type Fault, Http1Connection } from './http1-connection.js';
import { Http1Exchange } from './http1-exchange.js';
import { refuse, UNESCAPED_TARGET } from './refusal.js';
import { handle, type Setup } from './setup.js';

/** HTTP/1.1 on connections that the listener hands over. */
export interface Http1 {
  accept(socket: Socket): void;
  closeIdle(): void;
  close(): void;
}

/** Checks of Node's own timeouts during the shortest of them. */
const CHECKS = 4;

export function createHttp1(setup: Setup, inFlight: (exchange: HttpExchange) => void): Http1 {
  const { limits } = setup;
  const open = new Set<Http1Connection>();
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.ceil(limits.headersMs / CHECKS),
    // It is checked here, because Node answers without a body.
    requireHostHeader: false,
  });
  // A client that has ended its side gets its answers.
  Object.assign(server, { httpAllowHalfOpen: true });
  // Node drops the headers beyond this silently. With one more than the limit, too many headers are noticed.
  server.maxHeadersCount = limits.headers + 1;
  const begin = (connection: Http1Connection, arrived: Arrived): Http1Exchange => {
    const { fault, ...checked } = check(arrived.request, limits.headers);
    const { secure, remote, goOn: wasRead } = connection;
    const last = fault !== undefined;
    const exchange = new Http1Exchange({ ...arrived, ...checked, secure, remote, last, wasRead }, setup);
    inFlight(exchange);
    if (fault === undefined) handle(setup, exchange);
    else refuse(exchange, ...fault);
    return exchange;
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse, expects: boolean) => {
    // The errors of both are followed by their `close`.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    of(request.socket)?.queue({ request, response, expects });
  };
  server.on('request', (request, response) => onRequest(request, response, false));
  server.on('checkContinue', (request, response) => onRequest(request, response, true));
  server.on('checkExpectation', (request, response) => onRequest(request, response, false));
  server.on('connect', (_request, socket) => of(socket)?.refuse([405, 'this port is no proxy']));
  server.on('clientError', (error, socket) => of(socket)?.refuse(faultOf(error)));
  startChecks(server);
  return {
    accept(socket) {
      const connection = new Http1Connection(socket, begin, setup);
      open.add(connection);
      connection.once('close', () => open.delete(connection));
      server.emit('connection', connection);
    },
    closeIdle() {
      for (const connection of open) if (connection.isIdle) connection.destroy();
    },
    close: () => void server.close(),
  };
}

/** The connection that Node's server got. */
const of = (stream: unknown) => (stream instanceof Http1Connection ? stream : undefined);

/**
 * Starts Node's checks of `headersTimeout`. Node starts them when the server listens, which this one never does: it only
 * gets connections.
 */
function startChecks(server: Server): void {
  server.emit('listening');
}

interface Checked {
  readonly target: string;
  readonly authority: string;
  readonly fault?: Fault;
}

/** A request target in absolute form. Source: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2 */
const ABSOLUTE = /^https?:\/\/([^/?#]+)(.*)$/i;

/** Checks what Node doesn't: the version, the number of headers, `Host` and the form of the request target. */
function check(
  { httpVersionMajor, httpVersion, rawHeaders, headers, url = '' }: IncomingMessage,
  max: number,
): Checked {
  const host = headers.host ?? '';
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  const wrong = (...fault: Fault): Checked => ({ target: url, authority: host, fault });
  if (httpVersionMajor !== 1)
    return wrong(505, 'the request is of another version than HTTP/1.1: send HTTP/1.1 or HTTP/2');
  if (rawHeaders.length > max * 2) return wrong(431, `the request has more than ${max} headers: send fewer`);
  if (hosts > 1) return wrong(400, 'the request has more than one Host header: send one');
  if (hosts === 0 && httpVersion === '1.1') return wrong(400, 'the request has no Host header: send one');
  if (url.startsWith('/') || url === '*') return { target: url, authority: host };
  const [, authority, path] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined || path === undefined) return wrong(400, 'the request target must begin with a slash');
  return { target: path.startsWith('/') ? path : `/${path}`, authority };
}

/** What Node couldn't parse, or waited for in vain. */
function faultOf({ code }: NodeJS.ErrnoException): Fault {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return [431, 'the headers of the request are too large: send less'];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'the chunk extensions of the request are too large: send none'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'the headers of the request took too long'];
    case 'HPE_INVALID_URL':
      return [400, UNESCAPED_TARGET];
    case 'HPE_INVALID_VERSION':
      return [505, 'the request is of another version than HTTP/1.1: send HTTP/1.1 or HTTP/2'];
    default:
      return [400, 'the request is not valid HTTP/1.1'];
  }
}
