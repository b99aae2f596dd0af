import { createServer, type Server, type Socket } from 'node:net';
import { Shares, Turns } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, systemClock, type Timer } from '@rondo/rpc/clock';
import { networkOf, remoteOf } from '@rondo/rpc/internal';
import type { AppListener } from '@rondo/rpc/server';
import { cannotBind, formatHostPort, type HostPort } from '@rondo/service';
import { ClientCounts, createConnections } from './connections.js';
import { createDeadlines } from './deadlines.js';
import type { HttpExchange, HttpHandler } from './exchange.js';
import { createHttp1 } from './http1.js';
import { createHttp2 } from './http2.js';
import { DEFAULT_LIMITS, type ListenerLimits } from './limits.js';
import { refuse } from './refusal.js';
import type { Setup } from './setup.js';
import { type Spoken, sniff } from './sniff.js';
import { createTls, type TlsFiles } from './tls.js';

export interface ListenerOptions {
  /** Port 0 is any free port. */
  readonly listen: HostPort;
  /** The variable with that address. `RONDO_GATEWAY_LISTEN` by default. */
  readonly variable?: string;
  readonly handler: HttpHandler;
  readonly log: Logger;
  readonly limits?: Partial<ListenerLimits>;
  /** The TLS files; without them the port has no TLS. The files are checked for changes every `checkMs`, 10 s by default. */
  readonly tls?: TlsFiles & { readonly checkMs?: number };
  /** Whether requests without TLS are answered, or refused with 426. `allow` by default. */
  readonly plaintext?: 'allow' | 'refuse';
  /** Whether an address is a proxy: it may have more connections and requests than a client. */
  readonly isProxy?: (address: string) => boolean;
  /** Whose share of the limits a request takes. By default its network's: the address, or 64 bits of one of IPv6. */
  readonly clientOf?: (exchange: HttpExchange) => string;
  readonly clock?: Clock;
  /**
   * Whether the process is about to stop, though it still takes requests: each answer of HTTP/1.1 then closes its
   * connection. False by default.
   */
  readonly leaving?: () => boolean;
}

/** The public port: HTTP/1.1 and HTTP/2, with and without TLS, told apart by a connection's first bytes. */
export interface PublicListener extends AppListener {
  /** Aborts when the listener begins to drain. A handler then ends an answer that has no end of its own. */
  readonly draining: AbortSignal;
  /** How many connections are open. */
  readonly connections: number;
}

/** How many requests begin in a round of the event loop. */
const REQUESTS_PER_ROUND = 16;

/** How long a connection is silent before the operating system asks whether its other end is still there. */
const TCP_KEEPALIVE_MS = 30_000;

export function createListener(options: ListenerOptions): PublicListener {
  const { listen, handler, log, clock = systemClock, leaving = () => false, isProxy = () => false } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const draining = new AbortController();
  const setup: Setup = {
    handler: options.plaintext === 'refuse' ? onlySecure(handler) : handler,
    limits,
    deadlines: createDeadlines(clock, limits.tickMs),
    unfinished: new Shares(limits.unfinishedBytes),
    unread: new Shares(limits.unreadBytes),
    clientOf: options.clientOf ?? (({ remote }) => networkOf(remote)),
    turns: new Turns(REQUESTS_PER_ROUND),
    streams: new ClientCounts(),
    isProxy,
    clock,
    log,
    leaving: () => draining.signal.aborted || leaving(),
  };
  const connections = createConnections(limits, isProxy);
  const protocols = createProtocols(setup, options.tls);
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS },
    (socket) => {
      socket.on('error', () => socket.destroy());
      if (connections.admit(socket)) protocols.accept(socket);
      else socket.destroy();
    },
  );
  return {
    at: listen,
    draining: draining.signal,
    get connections() {
      return connections.open.size;
    },
    async listen() {
      await protocols.start();
      const port = await bind(server, listen, options.variable);
      server.on('error', (error) => log.error({ err: error }, 'the public port failed'));
      return { address: formatHostPort({ host: listen.host, port }) };
    },
    drain: (graceMs) =>
      new Promise((resolve) => {
        draining.abort();
        let isOver = false;
        const cutOff = () => {
          isOver = true;
          for (const socket of connections.open) socket.destroy();
        };
        const grace = clock.setTimer(graceMs, cutOff);
        protocols.drain();
        closePort(server, () => {
          if (isOver) cutOff();
          connections.whenNone(() => {
            grace.cancel();
            protocols.close();
            resolve();
          });
        });
      }),
  };
}

/** The most connections that wait to be accepted: Node's own default. */
const BACKLOG = 511;

/** Closes the port once no connection waits to be accepted: it would be reset. A round of the event loop accepts one. */
function closePort(server: Server, closed: () => void): void {
  let hasAccepted = true;
  let rounds = 0;
  server.on('connection', () => {
    hasAccepted = true;
  });
  const round = () => {
    rounds += 1;
    if (hasAccepted && rounds <= BACKLOG) {
      hasAccepted = false;
      setImmediate(round);
      return;
    }
    server.close();
    closed();
  };
  setImmediate(round);
}

/** Binds the server; returns its port. */
function bind(server: Server, listen: HostPort, variable = 'RONDO_GATEWAY_LISTEN'): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      server.off('listening', done);
      reject(cannotBind({ what: 'listen on', at: listen, variable, cause }));
    };
    const done = () => {
      server.off('error', fail);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : listen.port);
    };
    server.once('error', fail).once('listening', done).listen(listen);
  });
}

/**
 * How long a draining port waits for requests on connections without one. A proxy may have sent one already, and doesn't repeat it
 * if it isn't safe to repeat.
 */
const LAST_REQUESTS_MS = 1_000;

/** The protocols of the port. A connection goes to one of them, or first to TLS and then to one of them. */
function createProtocols(setup: Setup, files: ListenerOptions['tls']) {
  const { limits, deadlines, clock, log } = setup;
  const requests = countRequests();
  const http1 = createHttp1(setup, requests.count);
  const http2 = createHttp2(setup, requests.count);
  const tls =
    files &&
    createTls({
      ...files,
      handshakeMs: limits.handshakeMs,
      clock,
      log,
      secured: (socket, protocol) => (protocol === 'http2' ? http2 : http1).accept(socket),
    });
  // A handshake takes about a millisecond.
  const handshakes = new Turns(1);
  const undecided = new Set<Socket>();
  let last: Timer | undefined;
  const secure = ({ accept }: Pick<NonNullable<typeof tls>, 'accept'>, socket: Socket) => {
    const inTurn = () => {
      undecided.delete(socket);
      if (!socket.destroyed) accept(socket);
    };
    socket.once('close', handshakes.run(networkOf(remoteOf(socket)), inTurn));
  };
  const handOver = (socket: Socket, spoken: Spoken) => {
    if (spoken === 'tls' && tls !== undefined) return secure(tls, socket);
    undecided.delete(socket);
    if (spoken === 'http2') http2.accept(socket);
    else if (spoken === 'http1') http1.accept(socket);
    else socket.destroy();
  };
  return {
    start: async () => tls?.start(),
    accept(socket: Socket): void {
      undecided.add(socket);
      socket.once('close', () => undecided.delete(socket));
      const decided = (spoken: Spoken) => handOver(socket, spoken);
      sniff(socket, { deadlines, timeoutMs: limits.handshakeMs, decided });
    },
    drain(): void {
      http2.drain();
      // Connections without a request close last: a request on one of them is still answered.
      const closeIdle = () => {
        for (const socket of undecided) socket.destroy();
        tls?.closeUnfinished();
        http1.closeIdle();
      };
      last = clock.setTimer(LAST_REQUESTS_MS, () => requests.whenNone(closeIdle));
    },
    close(): void {
      last?.cancel();
      http1.close();
      tls?.close();
    },
  };
}

/** Answers requests without TLS with 426. */
function onlySecure(handler: HttpHandler): HttpHandler {
  return (exchange) => {
    if (exchange.secure) handler(exchange);
    else refuse(exchange, 426, 'this port answers over TLS only: use https');
  };
}

/** Counts the requests in flight. */
function countRequests() {
  let active = 0;
  let waiting: (() => void)[] = [];
  return {
    count(exchange: HttpExchange): void {
      active += 1;
      exchange.onClose(() => {
        active -= 1;
        if (active === 0) for (const listener of waiting) listener();
      });
    },
    /** Calls `listener` each time when no request is left. */
    whenNone(listener: () => void): void {
      waiting = [...waiting, listener];
      if (active === 0) listener();
    },
  };
}
