import http2, { type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@rondo/base';
import { keepAlive, pingPeer } from '../transport/grpc/keepalive.js';
import { type Http2Options, PINGS } from './limits.js';

export interface SessionOptions {
  readonly options: Http2Options;
  readonly clock: Clock;
  /** After how much silence a client is pinged, and how long it then has to answer. */
  readonly pings?: { readonly afterMs: number; readonly answerMs: number };
}

/**
 * Begins HTTP/2 on a connection. A client that is frozen, or was cut off silently, is pinged, and then disconnected. A draining
 * connection is left alone: Node sends no ping over it, and the drain bounds its calls.
 */
export function openSession(socket: Socket, { options, clock, pings = PINGS }: SessionOptions): ServerHttp2Session {
  // A client that ends its side would otherwise keep its connection.
  socket.allowHalfOpen = false;
  const session = http2.performServerHandshake(socket, options);
  session.on('error', () => session.destroy());
  // HTTP/2 has no setting for the window of a connection: it gets that of its streams.
  const { initialWindowSize } = options.settings;
  if (!session.destroyed) session.setLocalWindowSize(initialWindowSize);
  const ask = () => {
    // Node would wait until its client has read what was sent before.
    if (session.destroyed) socket.destroy();
    return pingPeer(session);
  };
  const { afterMs, answerMs } = pings;
  socket.once('close', keepAlive(socket, { clock, intervalMs: () => afterMs, timeoutMs: answerMs, ask }).stop);
  return session;
}

/** HTTP/2 begins with the settings of both. A client that trickles them, or sends none, is cut off. */
export function awaitSettings(session: ServerHttp2Session, clock: Clock, timeoutMs: number): void {
  const timer = clock.setTimer(timeoutMs, () => session.destroy(), { keepAlive: false });
  const cancel = () => timer.cancel();
  session.once('remoteSettings', cancel).once('close', cancel);
}
