import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';
import type * as grpc from '@grpc/grpc-js';

// What grpc-js and Node hide, and a client of servers that it doesn't trust can't do without: the linter exempts this file alone.
// ADR 0038 has the reasons.

/** The parts of a client's channel that are private to grpc-js, as far as its session. */
interface PrivateChannel {
  readonly currentPicker: {
    /** What the channel has connected to. */
    readonly subchannel?: {
      getRealSubchannel(): { readonly transport?: { readonly session?: ClientHttp2Session } | null };
    };
  };
}

/**
 * The HTTP/2 session of a client that is ready, guarded from what a server can do to it. grpc-js has no interface to it
 * (https://github.com/grpc/grpc-node/issues/3068).
 *
 * @throws Error if this version of grpc-js hides it elsewhere.
 */
export function guardedSession(client: grpc.Client): ClientHttp2Session {
  const { currentPicker }: Partial<PrivateChannel> = Reflect.get(client.getChannel(), 'internalChannel') ?? {};
  const session = currentPicker?.subchannel?.getRealSubchannel().transport?.session;
  if (session === undefined) throw new Error('this version of @grpc/grpc-js hides its HTTP/2 session elsewhere');
  guardSession(session);
  return session;
}

/** Keeps a server's answers from ending this process: the session refuses pushed streams, and outlives its streams. */
export function guardSession(session: ClientHttp2Session): void {
  session.on('stream', refusePush);
  keepUntilStreamsAreCollected(session);
}

/** grpc-js allows servers to push, and listens to no pushed stream. An error of one would end the process. */
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
    const [ofStream, ofSession] = [nativePart(stream), nativePart(session)];
    if (ofStream !== undefined && ofSession !== undefined) held.register(ofStream, ofSession);
    return stream;
  };
}

/** The object by which Node's HTTP/2 in C++ represents a session or stream; undefined if it has none now. */
function nativePart(owner: ClientHttp2Session | ClientHttp2Stream): object | undefined {
  handleKey ??= Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'kHandle');
  const handle: unknown = handleKey === undefined ? undefined : Reflect.get(owner, handleKey);
  return typeof handle === 'object' && handle !== null ? handle : undefined;
}

/** Node's private key of that object. Sessions and streams have the same. */
let handleKey: symbol | undefined;
