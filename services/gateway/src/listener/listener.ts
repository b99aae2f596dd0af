import type { Socket } from 'node:net';
import { FairQueue, Shares } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, systemClock, type Timer } from '@rondo/rpc/clock';
import {
  ClientCounts,
  createListener as createPort,
  networkOf,
  OpenConnections,
  remoteOf,
  Sampler,
} from '@rondo/rpc/internal';
import type { AppListener } from '@rondo/rpc/server';
import { cannotBind, formatHostPort, type HostPort } from '@rondo/service';
import type { HttpExchange, HttpHandler } from './exchange.js';
import { createHttp1 } from './http1.js';
import { createHttp2 } from './http2.js';
import { DEFAULT_LIMITS, type ListenerLimits } from './limits.js';
import { refuse } from './refusal.js';
import { createTimeouts, type Setup } from './setup.js';
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

/** The public port: HTTP/1.1 and HTTP/2, with and without TLS, distinguished by a connection's first bytes. */
export interface PublicListener extends AppListener {
  /** Aborts when the listener begins to drain. A handler then ends an answer that has no end of its own. */
  readonly draining: AbortSignal;
  readonly connections: number;
}

/** How many requests begin in a round of the event loop. */
const REQUESTS_PER_ROUND = 16;
/** How many refused connections are logged per second. */
const REFUSALS_PER_SECOND = 1;

export function createListener(options: ListenerOptions): PublicListener {
  const { listen, handler, log, clock = systemClock, leaving = () => false, isProxy = () => false } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const draining = new AbortController();
  const setup: Setup = {
    handler: options.plaintext === 'refuse' ? onlySecure(handler) : handler,
    limits,
    expireAfter: createTimeouts(clock, limits.tickMs),
    unfinished: new Shares(limits.unfinishedBytes),
    unread: new Shares(limits.unreadBytes),
    clientOf: options.clientOf ?? (({ remote }) => networkOf(remote)),
    queue: new FairQueue(REQUESTS_PER_ROUND),
    streams: new ClientCounts(),
    isProxy,
    clock,
    log,
    leaving: () => draining.signal.aborted || leaving(),
  };
  const { connections: most, connectionsPerClient: ofOneClient } = limits;
  const connections = new OpenConnections({ most, ofOneClient, isProxy });
  const protocols = createProtocols(setup, options.tls);
  const refusals = new Sampler(REFUSALS_PER_SECOND);
  const port = createPort({
    connections,
    protocols,
    firstBytesMs: limits.handshakeMs,
    clock,
    failed: (error) => log.error({ err: error }, 'the public port failed'),
    refused(socket, fault) {
      const leftOut = refusals.admit(clock.now());
      if (leftOut === undefined) return;
      log.warn({ peer: remoteOf(socket), ...(leftOut > 0 && { leftOut }) }, `a connection was refused: ${fault}`);
    },
  });
  return {
    at: listen,
    draining: draining.signal,
    get connections() {
      return connections.size;
    },
    async listen() {
      await protocols.start();
      const bound = await port.listen(listen).catch((cause: unknown) => {
        throw cannotBind({
          what: 'listen on',
          at: listen,
          variable: options.variable ?? 'RONDO_GATEWAY_LISTEN',
          cause,
        });
      });
      return { address: formatHostPort({ host: listen.host, port: bound }) };
    },
    drain: (graceMs) =>
      new Promise((resolve) => {
        draining.abort();
        let isOver = false;
        const cutOff = () => {
          isOver = true;
          connections.destroy();
        };
        const grace = clock.setTimer(graceMs, cutOff);
        protocols.drain(() => port.closeUndecided());
        void port.closeAfterQueue().then(() => {
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

/**
 * How long a draining port waits for requests on connections without one. A proxy may have sent one already, and doesn't repeat it
 * if it isn't safe to repeat.
 */
const LAST_REQUESTS_MS = 1_000;

/** The protocols of the port. A connection goes to one of them, or first to TLS and then to one of them. */
function createProtocols(setup: Setup, files: ListenerOptions['tls']) {
  const { limits, clock, log } = setup;
  let requests = 0;
  let closeIdle: (() => void) | undefined;
  const closeIfNone = () => {
    if (requests === 0) closeIdle?.();
  };
  const count = (exchange: HttpExchange) => {
    requests += 1;
    exchange.onClose(() => {
      requests -= 1;
      closeIfNone();
    });
  };
  const http1 = createHttp1(setup, count);
  const http2 = createHttp2(setup, count);
  const tls =
    files &&
    createTls({
      ...files,
      handshakeMs: limits.handshakeMs,
      clock,
      log,
      secured: (socket, protocol) => (protocol === 'http2' ? http2 : http1).accept(socket),
    });
  let last: Timer | undefined;
  return {
    start: async () => tls?.start(),
    http1: http1.accept,
    http2: http2.accept,
    // Without certificate files, nothing answers a handshake.
    tls: tls?.accept ?? ((socket: Socket) => void socket.destroy()),
    drain(closeUndecided: () => void): void {
      http2.drain();
      // Connections without a request close last: a request on one of them is still answered.
      last = clock.setTimer(LAST_REQUESTS_MS, () => {
        closeIdle = () => {
          closeUndecided();
          tls?.closeUnfinished();
          http1.closeIdle();
        };
        closeIfNone();
      });
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
