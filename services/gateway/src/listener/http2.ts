import { constants, type IncomingHttpHeaders, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Timer } from '@rondo/rpc/clock';
import { http2Options, networkOf, openSession, PingBarrier, remoteOf } from '@rondo/rpc/internal';
import type { HttpExchange } from './exchange.js';
import { type Http2Connection, Http2Exchange } from './http2-exchange.js';
import { refuse, UNESCAPED_TARGET } from './refusal.js';
import { handle, type Setup } from './setup.js';

/** HTTP/2 on connections that the listener hands over. */
export interface Http2 {
  accept(socket: Socket): void;
  /** Announces to all clients that no further requests are taken, and then takes none. */
  drain(): void;
}

/** What a client may take of the memory and work of a session, which anyone may open. */
const SESSION_LIMITS = { sessionMemoryMb: 32, resetsAtOnce: 1_000, resetsPerSecond: 100, refusedStreams: 1_000 };

export function createHttp2(setup: Setup, inFlight: (exchange: HttpExchange) => void): Http2 {
  const { clock, limits } = setup;
  const options = http2Options({ ...SESSION_LIMITS, streams: limits.streams, headerBytes: limits.headerBytes });
  const pings = { afterMs: limits.pingAfterMs, answerMs: limits.pingAnswerMs };
  const sessions = new Map<ServerHttp2Session, Activity>();
  let draining = false;
  return {
    accept(socket) {
      const session = openSession(socket, { options, clock, pings });
      const activity = watchActivity(session, setup);
      sessions.set(session, activity);
      session.once('close', () => sessions.delete(session));
      const remote = remoteOf(socket);
      const barrier = new PingBarrier(session, clock);
      const connection: Http2Connection = {
        secure: 'encrypted' in socket,
        remote,
        caughtUp: () => barrier.caughtUp(),
      };
      // Node gives the raw headers, too; its types don't know them.
      session.on('stream', (stream, ...[headers, flags, raw]: [IncomingHttpHeaders, number, ...unknown[]]) => {
        // An error is always followed by `close`.
        stream.on('error', ignore);
        activity.begin();
        stream.once('close', activity.end);
        const empty = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
        const exchange = new Http2Exchange(
          { stream, headers, rawHeaders: Array.isArray(raw) ? raw : [], empty, connection },
          setup,
        );
        const client = setup.clientOf(exchange);
        // A proxy that names no client stands for many.
        const isOne = client !== networkOf(remote) || !setup.isProxy(remote);
        setup.streams.add(client, 1);
        stream.once('close', () => setup.streams.add(client, -1));
        if (isOne && setup.streams.of(client) > limits.streamsPerClient) {
          // Its client may send it again. RFC 9113, section 8.7.
          stream.close(constants.NGHTTP2_REFUSED_STREAM);
          return;
        }
        inFlight(exchange);
        const takeBack = setup.queue.run(client, () => begin(exchange, headers[':path'], setup));
        stream.once('close', takeBack);
      });
      if (draining) activity.leave();
    },
    drain() {
      draining = true;
      for (const activity of sessions.values()) activity.leave();
    },
  };
}

function begin(exchange: Http2Exchange, target: string | undefined, setup: Setup): void {
  if (target === undefined) refuse(exchange, 405, 'this port is no proxy');
  // Node checks it only for the schemes http and https.
  else if (!/^[/*]/.test(target)) refuse(exchange, 400, 'the request target must begin with a slash');
  // Node would give each byte of UTF-8 as a character of its own.
  else if (!/^[\x21-\x7e]*$/.test(target)) refuse(exchange, 400, UNESCAPED_TARGET);
  else handle(setup, exchange);
}

function ignore(): void {}

/** The requests of a session, and its end when it has none. */
interface Activity {
  readonly begin: () => void;
  readonly end: () => void;
  /** Ends the session, once its requests have ended. */
  readonly leave: () => void;
}

/** How long a client has to read that the session ends. Milliseconds. */
const MAX_CATCH_UP_MS = 1_000;

/** The highest number of a stream: the client learns that the session ends, but none of its requests is refused yet. */
const ALL_STREAMS = 2 ** 31 - 1;

/**
 * Ends a session that has had no request for a while: Node has no such timeout.
 *
 * While a request is in flight, the end is announced to the client by GOAWAY, and a ping shows when the client has read it. On a
 * session without requests Node stops reading after the announcement, so the session first waits a moment for a request that is on
 * its way. A request that arrives later is above the last stream of the final GOAWAY, and the client may repeat it.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.8
 */
function watchActivity(session: ServerHttp2Session, { expireAfter, limits }: Setup): Activity {
  let active = 0;
  let leaves: 'no' | 'soon' | 'announced' = 'no';
  const close = () => {
    deadline.cancel();
    if (session.destroyed) return;
    session.close();
    // A session with an unfinished header block doesn't close by itself.
    if (active === 0) deadline = expireAfter(limits.discardMs, () => session.destroy());
  };
  let deadline: Timer = expireAfter(limits.headersMs, close);
  const announce = () => {
    leaves = 'announced';
    deadline.cancel();
    deadline = expireAfter(MAX_CATCH_UP_MS, close);
    session.ping(close);
    session.goaway(constants.NGHTTP2_NO_ERROR, ALL_STREAMS);
  };
  session.once('close', () => deadline.cancel());
  return {
    begin() {
      active += 1;
      if (leaves === 'no') deadline.cancel();
      else if (leaves === 'soon') announce();
    },
    end() {
      active -= 1;
      if (active > 0 || session.destroyed) return;
      if (leaves === 'announced') close();
      else deadline = expireAfter(limits.idleMs, close);
    },
    leave() {
      if (leaves !== 'no' || session.closed || session.destroyed) return;
      leaves = 'soon';
      deadline.cancel();
      if (active > 0) announce();
      else deadline = expireAfter(MAX_CATCH_UP_MS, close);
    },
  };
}
