import http2, { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import type { Duplex } from 'node:stream';

/** Marks sockets whose sessions refuse pushes, and the replaced `http2.connect`. Shared by all copies of this module. */
const REFUSES_PUSHES = Symbol.for('rondo.http2.refuses-pushes');

/**
 * Makes the HTTP/2 session over `socket` refuse pushed streams. Call it before the session is created.
 *
 * grpc-js allows servers to push, and listens to no pushed stream. An error of one, such as a reset connection, would end
 * the process. grpc-js keeps its sessions private, so this replaces `http2.connect`, for marked sockets alone. See ADR 0038.
 */
export function refusePushes(socket: Duplex): void {
  Reflect.set(socket, REFUSES_PUSHES, true);
  const { connect } = http2;
  if (Reflect.has(connect, REFUSES_PUSHES)) return;
  const value = (...options: readonly unknown[]): ClientHttp2Session => {
    const session: ClientHttp2Session = Reflect.apply(connect, http2, options);
    if (Reflect.get(session.socket, REFUSES_PUSHES) === true) refuse(session);
    return session;
  };
  Reflect.set(value, REFUSES_PUSHES, true);
  Object.defineProperty(http2, 'connect', { value, configurable: true, enumerable: true, writable: true });
}

function refuse(session: ClientHttp2Session): void {
  session.on('stream', refusePush);
  // At this event grpc-js removes all listeners of the session.
  session.once('remoteSettings', () => {
    queueMicrotask(() => {
      if (!session.listeners('stream').includes(refusePush)) session.on('stream', refusePush);
    });
  });
}

function refusePush(stream: ClientHttp2Stream): void {
  // The calls on the connection report its errors. A pushed stream has nothing to add.
  stream.on('error', () => undefined);
  stream.close(constants.NGHTTP2_REFUSED_STREAM);
}
