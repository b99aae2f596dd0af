import type {
  Http2SecureServer,
  Http2Server,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type * as grpc from '@grpc/grpc-js';
import type { Clock } from '@rondo/base';
import { letGoOnceClosed } from '../../transport/grpc/ended-stream.js';
import { keepAlive, pingPeer } from '../../transport/grpc/keepalive.js';
import { FLOW_CONTROL_WINDOW_BYTES } from '../../transport/grpc/options.js';
import { type Http2Options, SETTINGS_MS } from './limits.js';
import { isSecure } from './mutual-tls.js';

/** How the HTTP/2 servers of a grpc-js server are set up. */
interface Http2Setup {
  readonly options: Http2Options;
  /** Runs for each server before grpc-js listens to it, and before it is bound. */
  readonly prepare: (http2Server: Http2Server | Http2SecureServer) => void;
  /** Takes the streams that grpc-js shall not see. Returns whether it has taken the stream. */
  readonly take: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) => boolean;
  /** Runs for each other stream once grpc-js listens to it. */
  readonly followed: (stream: ServerHttp2Stream, path: string) => void;
}

/**
 * Sets up the HTTP/2 servers that grpc-js creates. grpc-js keeps them, and their options, private. Its version is
 * pinned, and `http2.test.ts` fails if a later one differs. See ADR 0033.
 *
 * @throws TypeError if this version of grpc-js differs.
 */
export function setUpHttp2(server: grpc.Server, { options, prepare, take, followed }: Http2Setup): void {
  const common: unknown = Reflect.get(server, 'commonServerOptions');
  const setUp: unknown = Reflect.get(server, '_setupHandlers');
  if (typeof common !== 'object' || common === null || typeof setUp !== 'function') {
    throw new TypeError("the HTTP/2 servers of this version of @grpc/grpc-js can't be set up: see ADR 0033");
  }
  Object.assign(common, options);
  const value = (http2Server: Http2Server | Http2SecureServer, ...rest: readonly unknown[]) => {
    prepare(http2Server);
    const result: unknown = Reflect.apply(setUp, server, [http2Server, ...rest]);
    const others = http2Server.listeners('stream');
    http2Server.removeAllListeners('stream');
    // biome-ignore lint/complexity/useMaxParams: Node's event has four, and its types three; an array of two would cost each call 0.1 KB.
    const serve = (
      stream: ServerHttp2Stream,
      headers: IncomingHttpHeaders,
      flags: number,
      rawHeaders: readonly string[],
    ) => {
      if (hasEnded(stream) || take(stream, headers, rawHeaders)) return;
      letGoOnceClosed(stream);
      for (const listener of others) Reflect.apply(listener, http2Server, [stream, headers, flags, rawHeaders]);
      followed(stream, String(headers[':path']));
    };
    http2Server.on('stream', serve);
    return result;
  };
  Object.defineProperty(server, '_setupHandlers', { value, configurable: true });
}

/**
 * Whether a stream has ended before its event came, because its client reset it, or broke the connection, in the same read. Node
 * handles a delayed read as a whole, such as the first read of a permissive server. An answer to such a stream would throw.
 */
function hasEnded(stream: ServerHttp2Stream): boolean {
  if (!stream.destroyed && !stream.closed) return false;
  stream.on('error', ignore);
  return true;
}

function ignore(): void {}

/** How long a client may be silent before it is pinged, and then how long it may take to answer. Milliseconds. */
const SILENCE_MS = 10_000;
const ANSWER_MS = 20_000;

/** Gives each connection the window that its streams have: HTTP/2 has no setting for it. */
export function widenWindows(http2Server: Http2Server): void {
  http2Server.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(FLOW_CONTROL_WINDOW_BYTES));
}

/** HTTP/2 begins with the settings of both. A client that trickles them, or sends none, is cut. */
export function awaitSettings(http2Server: Http2Server, clock: Clock): void {
  http2Server.on('session', (session: ServerHttp2Session) => {
    const timer = clock.setTimer(SETTINGS_MS, () => session.destroy(), { keepAlive: false });
    const cancel = () => timer.cancel();
    session.once('remoteSettings', cancel).once('close', cancel);
  });
}

/**
 * Closes connections whose client is frozen, or was cut off silently. Their streams end as if cancelled.
 *
 * A draining connection is left alone: Node sends no ping over it, and the drain bounds its calls.
 */
export function watchClients(http2Server: Http2Server | Http2SecureServer, clock: Clock): void {
  let accepted: Socket | undefined;
  // Node creates the session and emits `session` before the next listener of this event runs.
  http2Server.prependListener(isSecure(http2Server) ? 'secureConnection' : 'connection', (socket: Socket) => {
    accepted = socket;
  });
  http2Server.on('session', (session: ServerHttp2Session) => {
    if (accepted !== undefined) watch(session, accepted, clock);
  });
}

function watch(session: ServerHttp2Session, socket: Socket, clock: Clock): void {
  const ask = () => {
    // Node would wait until its client has read what was sent before.
    if (session.destroyed) socket.destroy();
    return pingPeer(session);
  };
  const stop = keepAlive(socket, { clock, intervalMs: () => SILENCE_MS, timeoutMs: ANSWER_MS, ask });
  socket.once('close', stop);
}

/** grpc-js counts milliseconds in 32 bits (24.8 days): a longer timeout would expire at once. */
const MAX_TIMEOUT_S = Math.floor((2 ** 31 - 1) / 1_000);
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const SECONDS: Readonly<Record<string, number>> = { H: 3_600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9 };

/** A `grpc-timeout` in milliseconds, at most as long as timers can be. Undefined for none, not a number if it is invalid. */
export function readTimeout(timeout: string | readonly string[] | undefined): number | undefined {
  if (timeout === undefined) return undefined;
  const [, amount, unit = ''] = TIMEOUT.exec(String(timeout)) ?? [];
  return Math.min(Number(amount) * (SECONDS[unit] ?? 0), MAX_TIMEOUT_S) * 1_000;
}

/** Shortens a `grpc-timeout` that grpc-js would take for an expired one. Invalid values have been refused before. */
export function correctTimeout(headers: IncomingHttpHeaders): void {
  const ms = readTimeout(headers['grpc-timeout']) ?? 0;
  if (ms >= MAX_TIMEOUT_S * 1_000) headers['grpc-timeout'] = `${MAX_TIMEOUT_S}S`;
}
