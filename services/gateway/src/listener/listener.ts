import { createServer, type Socket } from 'node:net';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { type AppListener, cannotBind, formatHostPort, type HostPort } from '@rondo/service';
import { createConnections } from './connections.js';
import { createDeadlines } from './deadlines.js';
import type { HttpExchange, HttpHandler } from './exchange.js';
import { createHttp1 } from './http1.js';
import { createHttp2 } from './http2.js';
import { DEFAULT_LIMITS, type ListenerLimits } from './limits.js';
import type { Setup } from './setup.js';
import { type Spoken, sniff } from './sniff.js';

export interface ListenerOptions {
  /** Port 0 is any free port. */
  readonly listen: HostPort;
  readonly handler: HttpHandler;
  readonly log: Logger;
  readonly limits?: Partial<ListenerLimits>;
  readonly clock?: Clock;
  /**
   * Whether the process is about to stop, though it still takes requests: each answer of HTTP/1.1 then closes its
   * connection. False by default.
   */
  readonly leaving?: () => boolean;
}

/** The public port: HTTP/1.1 and HTTP/2, told apart by a connection's first bytes. */
export interface PublicListener extends AppListener {
  /** Aborts when the listener begins to drain. A handler whose answer has no end of its own then ends it. */
  readonly draining: AbortSignal;
  /** How many connections are open. */
  readonly connections: number;
}

export function createListener(options: ListenerOptions): PublicListener {
  const { listen, handler, log, clock = systemClock, leaving = () => false } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const deadlines = createDeadlines(clock, limits.tickMs);
  const draining = new AbortController();
  const connections = createConnections(limits);
  const requests = countRequests();
  const setup: Setup = {
    handler,
    limits,
    deadlines,
    clock,
    log,
    leaving: () => draining.signal.aborted || leaving(),
  };
  const http1 = createHttp1(setup, requests.count);
  const http2 = createHttp2(setup, requests.count);
  const undecided = new Set<Socket>();
  const handOver = (socket: Socket, spoken: Spoken) => {
    undecided.delete(socket);
    if (spoken === 'http2') http2.accept(socket);
    else if (spoken === 'http1') http1.accept(socket);
    else socket.destroy();
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    if (!connections.admit(socket)) {
      socket.destroy();
      return;
    }
    undecided.add(socket);
    socket.once('close', () => undecided.delete(socket));
    const decided = (spoken: Spoken) => handOver(socket, spoken);
    sniff(socket, { deadlines, timeoutMs: limits.handshakeMs, decided });
  });
  return {
    draining: draining.signal,
    get connections() {
      return connections.open.size;
    },
    listen: () =>
      new Promise((resolve, reject) => {
        const fail = (cause: unknown) =>
          reject(cannotBind({ what: 'listen on', at: listen, variable: 'RONDO_GATEWAY_LISTEN', cause }));
        server.once('error', fail).listen(listen, () => {
          server.off('error', fail).on('error', (error) => log.error({ err: error }, 'the public port failed'));
          const bound = server.address();
          const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port;
          resolve({ address: formatHostPort({ host: listen.host, port }) });
        });
      }),
    drain: (graceMs) =>
      new Promise((resolve) => {
        draining.abort();
        server.close();
        http2.drain();
        const cut = () => {
          for (const socket of connections.open) socket.destroy();
        };
        const grace = clock.setTimer(graceMs, cut);
        // Connections without a request close last: until then, a request on one of them is still answered.
        requests.whenNone(() => {
          for (const socket of undecided) socket.destroy();
          http1.closeIdle();
        });
        connections.whenNone(() => {
          grace.cancel();
          http1.close();
          resolve();
        });
      }),
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
