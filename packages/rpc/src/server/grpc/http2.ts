import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerOptions } from 'node:http2';
import type { Socket } from 'node:net';
import type * as grpc from '@grpc/grpc-js';
import type { Clock } from '../../clock/index.js';
import { keepAlive } from '../../transport/grpc/keepalive.js';

/** Node's limits of reset streams, which the types of Node 20 don't know yet; Node 22.11 and later have them. */
interface Http2Options extends ServerOptions {
  /** How many streams a client may reset at once. */
  readonly streamResetBurst?: number;
  /** How many more it may reset each second. */
  readonly streamResetRate?: number;
}

/** What is done to the HTTP/2 servers of a grpc-js server. */
interface Http2Setup {
  readonly options: Http2Options;
  /** Sees each before grpc-js listens to it, and before it is bound. */
  readonly prepare: (http2Server: Http2Server) => void;
}

/**
 * Reaches the HTTP/2 servers that grpc-js makes for itself. It keeps them, and what they are made with, private; its
 * version is pinned, and `http2.test.ts` fails if a later one is made otherwise. See ADR 0033.
 *
 * @throws TypeError if grpc-js is not of that make.
 */
export function setUpHttp2(server: grpc.Server, { options, prepare }: Http2Setup): void {
  const common: unknown = Reflect.get(server, 'commonServerOptions');
  const setUp: unknown = Reflect.get(server, '_setupHandlers');
  if (typeof common !== 'object' || common === null || typeof setUp !== 'function') {
    throw new TypeError("this version of @grpc/grpc-js doesn't let its HTTP/2 servers be set up: see ADR 0033");
  }
  Object.assign(common, options);
  const value = (http2Server: Http2Server, ...rest: readonly unknown[]) => {
    prepare(http2Server);
    return Reflect.apply(setUp, server, [http2Server, ...rest]);
  };
  Object.defineProperty(server, '_setupHandlers', { value, configurable: true });
}

/** How long a client may be silent before it is pinged, and then to answer. Milliseconds. */
const SILENCE_MS = 10_000;
const ANSWER_MS = 20_000;

/**
 * Each call that a client cancels, or whose deadline passes there first, resets a stream. Node takes 1,000 at once and 33
 * a second, and closes the connection of a client that resets more, with every innocent call on it. This is for the
 * callers of a gateway that come over one connection, and still bounds what a client can have begun for nothing.
 */
export const RESET_LIMITS: Http2Options = { streamResetBurst: 20_000, streamResetRate: 10_000 };

/**
 * The longest header block taken. Clients of Go, Java and C++ are told so, and refuse a longer one themselves; from clients that
 * don't heed it, such as Node's, Node resets the one stream. Without a limit a field of more than 64 KiB, or a block of more than nine
 * frames, ends the connection with every innocent call on it, below anything that can be set: no block of this size has either.
 * See ADR 0038.
 */
export const HEADER_LIMIT: Http2Options = { settings: { maxHeaderListSize: 64 * 1024 } };

/**
 * Ends connections whose client is frozen, or was cut off without a word: their streams end as if cancelled.
 *
 * A connection that is draining is left alone: Node sends no ping over it, and its calls have the grace of the drain.
 */
export function watchClients(http2Server: Http2Server, clock: Clock): void {
  let accepted: Socket | undefined;
  // Node makes a session of it, and tells of that, before the connection comes to the next listener.
  http2Server.prependListener('connection', (socket: Socket) => {
    accepted = socket;
  });
  http2Server.on('session', (session: ServerHttp2Session) => {
    if (accepted !== undefined) watch(session, accepted, clock);
  });
}

function watch(session: ServerHttp2Session, socket: Socket, clock: Clock): void {
  const ask = () => {
    if (session.closed || session.destroyed) return false;
    // Where too many pings wait for an answer already, one of those will do.
    session.ping(() => undefined);
    return true;
  };
  const stop = keepAlive(socket, { clock, intervalMs: SILENCE_MS, timeoutMs: ANSWER_MS, ask });
  socket.once('close', stop);
}

/** grpc-js counts in 32 bits: what it reads as a longer time is over at once. 24.8 days. */
const MAX_TIMEOUT_S = Math.floor((2 ** 31 - 1) / 1_000);
const SECONDS: Readonly<Record<string, number>> = { H: 3_600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9 };

/**
 * Corrects a `grpc-timeout` that grpc-js would misread: it takes one that is too long for expired, and of one that is none,
 * such as `1.5S`, it takes the part that looks like one. What it can't read at all, it answers with `INTERNAL`.
 */
export function correctTimeout(headers: IncomingHttpHeaders): void {
  const timeout = headers['grpc-timeout'];
  if (typeof timeout !== 'string') return;
  const [, amount, unit = ''] = /^(\d{1,8})\s*([HMSmun])$/.exec(timeout) ?? [];
  const seconds = Number(amount) * (SECONDS[unit] ?? 0);
  if (Number.isNaN(seconds)) headers['grpc-timeout'] = timeout.replace(/\d/g, '?');
  else if (seconds > MAX_TIMEOUT_S) headers['grpc-timeout'] = `${MAX_TIMEOUT_S}S`;
}
