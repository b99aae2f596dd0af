import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { type Clock, FairQueue, yieldToEventLoop } from '@rondo/base';
import { readFirstBytes, type Spoken } from './first-bytes.js';
import { networkOf, type OpenConnections, remoteOf } from './open-connections.js';

/** What takes the connections of a listener over, by what their clients speak. */
export interface Protocols {
  readonly http2: (socket: Socket) => void;
  /** Missing if the port has no frames, which HTTP then refuses. */
  readonly frames?: ((socket: Socket) => void) | undefined;
  /** Missing if the port has no HTTP/1.1: whatever isn't TLS is then taken for HTTP/2, which refuses it. */
  readonly http1?: (socket: Socket) => void;
  /** Begins a TLS handshake; missing if the port has no TLS. */
  readonly tls?: ((socket: Socket) => void) | undefined;
  /** Whether every connection begins with a TLS handshake. Others then fail in it. */
  readonly onlyTls?: boolean;
}

export interface ListenerOptions {
  readonly connections: OpenConnections;
  readonly protocols: Protocols;
  /** How long a client has for its first bytes. Milliseconds. */
  readonly firstBytesMs: number;
  readonly clock: Clock;
  /** Runs when a connection can't be accepted, such as beyond the files that the process may open. The port stays open. */
  readonly failed: (error: Error) => void;
  /** Runs for a connection that is refused, before it is closed. */
  readonly refused?: (socket: Socket, fault: string) => void;
}

/** A port, of TCP or in the file system. */
export interface Listener {
  /** Binds the port. Resolves to its number; 0 for a socket in the file system. */
  listen(options: ListenOptions): Promise<number>;
  /** Closes the port. Connections that wait in its queue are reset. */
  close(): void;
  /** Closes the port once the connections that wait in its queue are accepted. Resolves when none can come any more. */
  closeAfterQueue(): Promise<void>;
  /** Closes the connections whose client hasn't said what it speaks, or waits for its TLS handshake. */
  closeUndecided(): void;
}

/** How long a connection is silent before the operating system asks whether its other end is still there. */
const TCP_KEEPALIVE_MS = 30_000;

/**
 * Accepts connections within their limits, and hands each to its protocol by its first bytes. A TLS handshake begins with the
 * client's first byte, when it is the client's turn: until then OpenSSL holds no memory for it.
 */
export function createListener(options: ListenerOptions): Listener {
  const { connections, protocols, firstBytesMs, clock, failed, refused } = options;
  const { http2, http1 = http2, frames = http1, tls, onlyTls = false } = protocols;
  const plain = { http2, http1, frames, tls: http1 } as const;
  const undecided = new Set<Socket>();
  // A handshake takes about a millisecond, so one begins in each round of the event loop.
  const handshakes = new FairQueue(1);
  const decide = (socket: Socket, spoken: Spoken) => {
    const begin = tls !== undefined && (spoken === 'tls' || onlyTls) ? tls : plain[spoken];
    const inTurn = () => {
      undecided.delete(socket);
      if (!socket.destroyed) begin(socket);
    };
    if (begin === tls) socket.once('close', handshakes.run(networkOf(remoteOf(socket)), inTurn));
    else inTurn();
  };
  const accept = (socket: Socket) => {
    if (tls === undefined && http1 === http2 && frames === http2) return http2(socket);
    undecided.add(socket);
    socket.once('close', () => undecided.delete(socket));
    readFirstBytes(socket, {
      clock,
      timeoutMs: firstBytesMs,
      decided: (spoken) => decide(socket, spoken),
    });
  };
  const server = createServer(
    // A client of HTTP/1.1 that has ended its side gets its answers.
    { allowHalfOpen: http1 !== http2, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS },
    (socket) => {
      socket.on('error', () => socket.destroy());
      const fault = connections.admit(socket);
      if (fault === undefined) return accept(socket);
      refused?.(socket, fault);
      socket.destroy();
    },
  );
  return {
    async listen(at) {
      const port = await bind(server, at);
      server.on('error', failed);
      return port;
    },
    close: () => void server.close(),
    closeAfterQueue: () => closeAfterQueue(server),
    closeUndecided() {
      for (const socket of undecided) socket.destroy();
    },
  };
}

function bind(server: Server, options: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = () => {
      server.off('error', reject);
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : 0);
    };
    server.once('error', reject).once('listening', done).listen(options);
  });
}

/** The most connections that wait to be accepted: Node's own default. */
const BACKLOG = 511;

/** A round of the event loop accepts one connection. */
async function closeAfterQueue(server: Server): Promise<void> {
  let hasAccepted = true;
  server.on('connection', () => {
    hasAccepted = true;
  });
  for (let rounds = 0; hasAccepted && rounds <= BACKLOG; rounds += 1) {
    hasAccepted = false;
    await yieldToEventLoop();
  }
  server.close();
}
