import { constants, performServerHandshake, type ServerHttp2Session, type ServerOptions } from 'node:http2';
import type { Socket } from 'node:net';
import { keepAlive, PingBarrier } from '@rondo/rpc/internal';
import { remoteOf } from './connections.js';
import type { Deadline } from './deadlines.js';
import type { HttpExchange } from './exchange.js';
import { type Http2Connection, Http2Exchange } from './http2-exchange.js';
import type { ListenerLimits } from './limits.js';
import { refuse } from './refusal.js';
import { handle, type Setup } from './setup.js';

/** HTTP/2 on connections that the listener hands over. */
export interface Http2 {
  accept(socket: Socket): void;
  /** Announces to all clients that no further requests are taken, and then takes none. */
  drain(): void;
}

/** Node's options with the limits of reset streams. The types of Node 20 lack them; Node 22.11 and later have them. */
interface Http2Options extends ServerOptions {
  readonly streamResetBurst: number;
  readonly streamResetRate: number;
}

const optionsOf = ({ headerBytes, streams }: ListenerLimits): Http2Options => ({
  maxHeaderListPairs: 128,
  maxSessionMemory: 32,
  streamResetBurst: 1_000,
  streamResetRate: 100,
  settings: {
    enablePush: false,
    maxHeaderListSize: headerBytes,
    maxConcurrentStreams: streams,
    initialWindowSize: 256 * 1024,
  },
});

export function createHttp2(setup: Setup, inFlight: (exchange: HttpExchange) => void): Http2 {
  const options = optionsOf(setup.limits);
  const sessions = new Map<ServerHttp2Session, Socket>();
  let draining = false;
  return {
    accept(socket) {
      // The other way around, a client that ends its side would keep its connection.
      socket.allowHalfOpen = false;
      const session = performServerHandshake(socket, options);
      session.on('error', () => session.destroy());
      sessions.set(session, socket);
      session.once('close', () => sessions.delete(session));
      serve(session, socket, { setup, inFlight });
      if (draining) leave(session, socket, setup);
    },
    drain() {
      draining = true;
      for (const [session, socket] of sessions) leave(session, socket, setup);
    },
  };
}

interface Serving {
  readonly setup: Setup;
  readonly inFlight: (exchange: HttpExchange) => void;
}

function serve(session: ServerHttp2Session, socket: Socket, { setup, inFlight }: Serving): void {
  const connection: Http2Connection = {
    secure: 'encrypted' in socket,
    remote: remoteOf(socket),
    caughtUp: catchUp(new PingBarrier(session), setup),
  };
  const activity = watchActivity(session, setup);
  watchPeer(session, socket, setup);
  session.on('stream', (stream, headers, flags) => {
    // An error is always followed by `close`.
    stream.on('error', () => undefined);
    activity.begin();
    stream.once('close', activity.end);
    const empty = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const exchange = new Http2Exchange({ stream, headers, empty, connection }, setup);
    inFlight(exchange);
    if (headers[':path'] === undefined) refuse(exchange, 405, 'this port is no proxy');
    else handle(setup, exchange);
  });
}

/** A client that doesn't answer pings is no longer waited for. Milliseconds. */
const MAX_CATCH_UP_MS = 1_000;

function catchUp(barrier: PingBarrier, { deadlines }: Setup): () => Promise<void> {
  return () =>
    new Promise((resolve) => {
      const deadline = deadlines.set(MAX_CATCH_UP_MS, resolve);
      void barrier.passed().then(() => {
        deadline.cancel();
        resolve();
      });
    });
}

/** Ends a session without requests: Node has no such timeout. */
function watchActivity(session: ServerHttp2Session, { deadlines, limits }: Setup) {
  let active = 0;
  let deadline: Deadline = deadlines.set(limits.headersMs, () => end());
  const end = () => {
    session.close();
    // A session with an unfinished header block doesn't close by itself.
    deadline = deadlines.set(limits.discardMs, () => session.destroy());
  };
  session.once('close', () => deadline.cancel());
  return {
    begin() {
      active += 1;
      deadline.cancel();
    },
    end() {
      active -= 1;
      if (active === 0 && !session.destroyed) deadline = deadlines.set(limits.idleMs, end);
    },
  };
}

/** Ends a session whose client is frozen, or was cut off silently. */
function watchPeer(session: ServerHttp2Session, socket: Socket, { clock, limits }: Setup): void {
  const ask = () => {
    if (session.closed || session.destroyed) return false;
    // If too many pings are unanswered already, one of those will do.
    session.ping(() => undefined);
    return true;
  };
  const options = { clock, intervalMs: limits.pingAfterMs, timeoutMs: limits.pingAnswerMs, ask };
  socket.once('close', keepAlive(socket, options));
}

/**
 * A GOAWAY with the highest number of a stream: the client learns that the connection ends, but none of its requests is
 * refused yet.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.8
 */
const GOING_AWAY = Buffer.from('0000080700000000007fffffff00000000', 'hex');

/**
 * Ends a session without the loss of a request that is on its way. The GOAWAY bypasses Node: on a session without
 * requests, Node stops reading once it has sent one, and would never see those that are on their way.
 */
function leave(session: ServerHttp2Session, socket: Socket, { deadlines }: Setup): void {
  if (session.closed || session.destroyed || !socket.writable) return;
  const close = () => {
    deadline.cancel();
    if (!session.destroyed) session.close();
  };
  const deadline = deadlines.set(MAX_CATCH_UP_MS, close);
  session.once('close', deadline.cancel);
  // Between two frames: Node writes only whole ones.
  socket.write(GOING_AWAY);
  session.ping(close);
}
