import http2, { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import type { Duplex } from 'node:stream';

/** The key of a socket's guard, and of the mark of the replaced `http2.connect`. Shared by all copies of this module. */
const GUARDED = Symbol.for('rondo.http2.guarded');

/**
 * Keeps a server's answers from ending this process: the HTTP/2 session over `socket` refuses pushed streams, and outlives
 * its streams. Call it before the session is created, which `onSession` gets.
 *
 * grpc-js keeps its sessions private, so this replaces `http2.connect`, for marked sockets alone. See ADR 0038.
 */
export function guardSession(socket: Duplex, onSession: (session: ClientHttp2Session) => void = () => undefined): void {
  Reflect.set(socket, GUARDED, (session: ClientHttp2Session) => {
    refusePushes(session);
    keepUntilStreamsAreCollected(session);
    onSession(session);
  });
  const { connect } = http2;
  if (Reflect.has(connect, GUARDED)) return;
  const value = (...options: readonly unknown[]): ClientHttp2Session => {
    const session: ClientHttp2Session = Reflect.apply(connect, http2, options);
    const guard: unknown = Reflect.get(session.socket, GUARDED);
    if (typeof guard === 'function') guard(session);
    return session;
  };
  Reflect.set(value, GUARDED, true);
  Object.defineProperty(http2, 'connect', { value, configurable: true, enumerable: true, writable: true });
}

/** grpc-js allows servers to push, and listens to no pushed stream. An error of one would end the process. */
function refusePushes(session: ClientHttp2Session): void {
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

/** Holds the native part of a session until that of the stream is collected. */
const held = new FinalizationRegistry<object>(() => undefined);

/**
 * Keeps the native part of a session until the native parts of its streams are garbage-collected. Headers that Node has
 * read but refused, such as those of an answer with more than 128, stay in the session's memory until their stream is
 * collected. Node 20, 22 and 24 end the process if they collect the session first, as its memory isn't empty then.
 *
 * Source: https://github.com/nodejs/node/issues/39951
 */
function keepUntilStreamsAreCollected(session: ClientHttp2Session): void {
  const { request } = session;
  session.request = (headers, options) => {
    const stream = request.call(session, headers, options);
    stream.on('close', letGo);
    const [ofStream, ofSession] = [nativePart(stream), nativePart(session)];
    if (ofStream !== undefined && ofSession !== undefined) held.register(ofStream, ofSession);
    return stream;
  };
}

/**
 * Takes the listeners from a stream that has closed: a listener of `close`. What they hold, such as the messages of its call, can then
 * be collected. Node's C++ has an object for each stream, which refers to the stream. Until V8 collects its old generation, it treats
 * that object as alive, so each collection of the young generation copies all that the stream refers to. See ADR 0038.
 *
 * It does what `removeAllListeners` does, which also schedules a look at the stream's reader, and allocates 8 KB a call.
 */
function letGo(this: ClientHttp2Stream): void {
  // A stream reports no error once it has closed. If one did, without a listener it would end the process.
  Object.assign(this, { _events: { error: ignore }, _eventsCount: 1 });
}

function ignore(): void {}

/** The object by which Node's HTTP/2 in C++ represents a session or stream; undefined if it has none now. */
function nativePart(owner: ClientHttp2Session | ClientHttp2Stream): object | undefined {
  handleKey ??= Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'kHandle');
  const handle: unknown = handleKey === undefined ? undefined : Reflect.get(owner, handleKey);
  return typeof handle === 'object' && handle !== null ? handle : undefined;
}

/** Node's private key of that object. Sessions and streams have the same. */
let handleKey: symbol | undefined;
