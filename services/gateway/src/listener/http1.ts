import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { networkOf, remoteOf } from '@rondo/rpc/internal';
import type { HttpExchange } from './exchange.js';
import { Http1Exchange } from './http1-exchange.js';
import { type RefusalStatus, rawRefusal, refuse, UNESCAPED_TARGET } from './refusal.js';
import { handle, type Setup } from './setup.js';

/** HTTP/1.1 on connections that the listener hands over. */
export interface Http1 {
  accept(socket: Socket): void;
  /** Closes the connections without a request. */
  closeIdle(): void;
  /** Stops the checks of timeouts. */
  close(): void;
}

/** Checks of Node's own timeouts during the shortest of them. */
const CHECKS = 4;

/** A request that waits until the one before it on its connection has been answered. */
interface Arrived {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expects: boolean;
}

/** A connection. Its requests are answered one after another, so that pipelining gives a client no more than that. */
interface Line {
  /** Whose turns its requests take. */
  readonly client: string;
  /** Whose turns the work takes that its client has sent ahead: others of its address don't wait for all of that. */
  readonly ahead: string;
  current: Http1Exchange | undefined;
  readonly waiting: Arrived[];
  /** The last request that was parsed. */
  last: IncomingMessage | undefined;
  /** Has more of the connection parsed, unless a request waits or a body is full. */
  goOn: () => void;
}

/** A proxy's connections are each a client: they are of many. */
function lineOf(socket: Socket, { isProxy }: Setup): Line {
  const remote = remoteOf(socket);
  const client = isProxy(remote) ? `${remote} ${socket.remotePort}` : networkOf(remote);
  return { client, ahead: `${client} ahead`, current: undefined, waiting: [], last: undefined, goOn: () => undefined };
}

export function createHttp1(setup: Setup, inFlight: (exchange: HttpExchange) => void): Http1 {
  const { limits, turns } = setup;
  const lines = new Map<Duplex, Line>();
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
  const begin = (line: Line, arrived: Arrived) => {
    const { fault, ...checked } = check(arrived.request, limits.headers);
    const last = fault !== undefined;
    const exchange = new Http1Exchange({ ...arrived, ...checked, last, wasRead: line.goOn }, setup);
    line.current = exchange;
    inFlight(exchange);
    exchange.onClose(() => {
      line.current = undefined;
      if (line.waiting.length > 0) turns.run(line.ahead, () => beginNext(line), { deferred: true });
    });
    if (fault === undefined) handle(setup, exchange);
    else refuse(exchange, ...fault);
  };
  const beginNext = (line: Line) => {
    const next = line.waiting.shift();
    if (next !== undefined && !next.request.socket.destroyed) begin(line, next);
    line.goOn();
  };
  const onRequest = (arrived: Arrived) => {
    const line = lines.get(arrived.request.socket);
    if (line === undefined) return;
    // The errors of both are followed by their `close`.
    arrived.request.on('error', () => undefined);
    arrived.response.on('error', () => undefined);
    line.last = arrived.request;
    line.waiting.push(arrived);
    if (line.current === undefined && line.waiting.length === 1) turns.run(line.client, () => beginNext(line));
  };
  server.on('request', (request, response) => onRequest({ request, response, expects: false }));
  server.on('checkContinue', (request, response) => onRequest({ request, response, expects: true }));
  server.on('checkExpectation', (request, response) => onRequest({ request, response, expects: false }));
  /** Refuses what isn't a request. While the one before it is being answered, the connection just closes. */
  const refuseNext = (socket: Duplex, fault: Fault) => {
    const current = lines.get(socket)?.current;
    if (current === undefined || current.lose()) refuseRaw(socket, setup, fault);
    else socket.destroy();
  };
  server.on('connect', (_request, socket) => refuseNext(socket, [405, 'this port is no proxy']));
  server.on('clientError', (error, socket) => refuseNext(socket, faultOf(error)));
  startChecks(server);
  return {
    accept(socket) {
      const line = lineOf(socket, setup);
      lines.set(socket, line);
      socket.once('close', () => {
        lines.delete(socket);
        line.waiting.length = 0;
        line.current?.lose();
      });
      server.emit('connection', socket);
      feed(socket, line, setup);
    },
    closeIdle() {
      for (const [socket, { current, waiting }] of lines)
        if (current === undefined && waiting.length === 0) socket.destroy();
    },
    close: () => void server.close(),
  };
}

/**
 * Starts Node's checks of `headersTimeout`. Node starts them when the server listens, which this one never does: it only
 * gets connections.
 */
function startChecks(server: Server): void {
  server.emit('listening');
}

/** What ends the headers of a request, and the chunks of its body. */
const END_OF_HEADERS = '\r\n\r\n';
const TAIL_BYTES = END_OF_HEADERS.length - 1;
/** The parser gets no more at once: as many bytes may be thousands of chunks. */
const MOST_BYTES = 8 * 1024;
/** The unparsed bytes of a connection above which it isn't read. */
const MOST_HELD_BYTES = 16 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Gives Node's parser, in each turn of the client, the headers of one request, with what has come of its body if its length is
 * declared, or a part of a body of chunks. It gets nothing while a request waits for its answer. The parser would otherwise read
 * everything it gets, hundreds of requests in 64 KiB.
 *
 * The parser must not read from the connection itself: over TLS it would get all decrypted bytes, even while it is paused because
 * the client is slow to read an answer. It treats that as an error and ends the connection.
 */
function feed(socket: Socket, line: Line, { deadlines, limits, turns }: Setup): void {
  const parsers = socket.listeners('data');
  const enders = socket.listeners('end');
  let hasEnded = false;
  let rest = NOTHING;
  /** The end of what has been parsed: the end of the headers may begin there. */
  let tail = '';
  /** What hasn't been parsed of a body of declared length. */
  let bodyBytes = 0;
  /** Whether it is being parsed, or will be in a later turn. */
  let isInTurn = false;
  const isReady = () => {
    // Node gives the parser of a refused CONNECT to another connection.
    if (rest.length === 0 || line.waiting.length > 0 || socket.destroyed || refused.has(socket)) return false;
    return bodyBytes > 0 ? line.last?.readableLength === 0 : !isFull(line.last);
  };
  const parsePart = () => {
    const part = rest.subarray(0, Math.min(bodyBytes > 0 ? bodyBytes : lengthOfPart(tail, rest), MOST_BYTES));
    rest = rest.subarray(part.length);
    tail = (tail + part.toString('latin1', Math.max(0, part.length - TAIL_BYTES))).slice(-TAIL_BYTES);
    bodyBytes = Math.max(0, bodyBytes - part.length);
    const { last } = line;
    for (const parser of parsers) Reflect.apply(parser, socket, [part]);
    if (line.last !== last) bodyBytes = declaredBytes(line.last);
  };
  /** All is parsed that came before the client ended its side. In the middle of a stream, it has left, and else if no answer comes in time. */
  const finish = () => {
    hasEnded = false;
    for (const ender of enders) Reflect.apply(ender, socket, []);
    const leave = () => line.current?.ended || socket.destroy();
    if (line.current?.responded) leave();
    const deadline = deadlines.set(limits.keepAliveMs, leave);
    socket.once('close', deadline.cancel);
  };
  const parse = () => {
    isInTurn = false;
    if (rest.length === 0 && hasEnded) finish();
    if (!isReady()) return;
    isInTurn = true;
    do parsePart();
    while (bodyBytes > 0 && isReady());
    isInTurn = rest.length > 0 && bodyBytes === 0;
    if (isInTurn) turns.run(line.ahead, parse, { deferred: true });
    else if (rest.length === 0 && hasEnded) finish();
    else if (rest.length === 0) socket.resume();
  };
  line.goOn = () => {
    if (!isInTurn) parse();
  };
  const take = (chunk: Buffer) => {
    if (rest.length >= MOST_HELD_BYTES) {
      socket.pause().unshift(chunk);
      return;
    }
    const waits = rest.length > 0;
    rest = waits ? Buffer.concat([rest, chunk]) : chunk;
    if (!waits) line.goOn();
    if (rest.length >= MOST_HELD_BYTES) socket.pause();
  };
  socket.removeAllListeners('data').on('data', take);
  socket.removeAllListeners('end').once('end', () => {
    hasEnded = true;
    line.goOn();
  });
}

function lengthOfPart(tail: string, rest: Buffer): number {
  const begun = (tail + rest.toString('latin1', 0, TAIL_BYTES)).indexOf(END_OF_HEADERS);
  if (begun >= 0) return begun + END_OF_HEADERS.length - tail.length;
  const headers = rest.indexOf(END_OF_HEADERS);
  return headers < 0 ? rest.length : headers + END_OF_HEADERS.length;
}

function declaredBytes(request: IncomingMessage | undefined): number {
  const { 'transfer-encoding': encoding, 'content-length': length = '0' } = request?.headers ?? {};
  return encoding === undefined ? Number(length) : 0;
}

/** Whether a request's body waits to be read. */
const isFull = (request: IncomingMessage | undefined) =>
  request !== undefined && !request.complete && request.readableLength >= request.readableHighWaterMark;

type Fault = readonly [status: RefusalStatus, message: string];

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

/** The connections that have been refused: Node reports each further byte of them as another error. */
const refused = new WeakSet<Duplex>();

/** Answers on a connection whose request can't be parsed, and closes it. */
function refuseRaw(socket: Duplex, { deadlines, limits }: Setup, fault: Fault): void {
  if (refused.has(socket)) return;
  refused.add(socket);
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(rawRefusal(...fault));
  const deadline = deadlines.set(limits.discardMs, () => socket.destroy());
  socket.once('close', deadline.cancel);
}
