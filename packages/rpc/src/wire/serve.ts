import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { ListenOptions, Socket } from 'node:net';
import { type Clock, createSemaphore, Shares, systemClock, systemRandom, type Timer } from '@rondo/base';
import { serverErrors } from '../errors/server.js';
import type { Router } from '../server/router.js';
import type { MutualTls, TLS_MODES } from '../tls/mutual-tls.js';
import { InFlight } from '../transport/grpc/active-calls.js';
import { hasRoomForFrames } from '../transport/tunnel/frames.js';
import { Connection, STEPS } from './connection.js';
import { limitAge } from './connection-age.js';
import type { CallInFlight } from './grpc-call.js';
import { GrpcCalls } from './grpc-calls.js';
import { HandshakeLog } from './handshake-log.js';
import { CONNECTIONS, HANDSHAKE_MS, http2Options, MAX_UNFINISHED, SERVICE_LIMITS } from './limits.js';
import { createListener, type Listener } from './listener.js';
import { MutualHandshakes, type Peer } from './mutual-tls.js';
import { OpenConnections } from './open-connections.js';
import { awaitSettings, openSession } from './session.js';
import { removeStaleSocket, socketPath } from './stale-socket.js';
import { Tunnels } from './tunnel.js';

/** Options of {@link serve}. */
export interface ServeOptions {
  /**
   * `host:port`, `[v6]:port` or `unix:/path`; port 0 is any free one. A socket that a killed process left at `/path` is
   * removed. It is an error if a process listens on it, or if it is another kind of file.
   */
  readonly listen: string;
  /** The longest request message, in bytes; 4 MiB by default, as in gRPC. A longer one is `RESOURCE_EXHAUSTED`. */
  readonly maxRequestBytes?: number;
  readonly clock?: Clock;
  /**
   * Whether clients may send unary calls through tunnels; the endpoint must be registered with this protocol. True
   * by default. A server whose `maxRequestBytes` is below 1 MiB has none.
   */
  readonly tunnel?: boolean;
  /**
   * The age at which a client that isn't Rondo's is asked to reconnect, so that it finds new instances. Its calls
   * may take another 5 minutes. Milliseconds; 30 minutes by default, 0 for any age.
   */
  readonly maxConnectionAgeMs?: number;
  /** The most open connections. Further clients are refused, and logged. 10,000 by default. */
  readonly maxConnections?: number;
  /** The most open connections of one IP address. 2,500 by default. */
  readonly maxConnectionsPerAddress?: number;
  /** Mutual TLS; its `mode` says whether clients must use it or may. Plaintext if it is missing. */
  readonly mutualTls?: MutualTls | undefined;
}

/** A server that listens. */
export interface RpcServer {
  /** The bound address, as `host:port` or `unix:/path`. */
  readonly address: string;
  readonly port: number;
  /** Whether it has tunnels. */
  readonly tunnel: boolean;
  /** Whether clients need mutual TLS, can have it, or can't. */
  readonly tls: (typeof TLS_MODES)[number];
  /** How many connections it has refused: by their handshakes or certificates, and beyond the most that it may have. */
  readonly refusedConnections: { readonly handshake: number; readonly limit: number };
  /**
   * Stops accepting calls and connections. Streams without a deadline end at once, because they would never end by
   * themselves. Other calls have `graceMs` to finish. Calls that take longer, and new calls, end with `UNAVAILABLE`, so
   * that their callers try another instance.
   */
  drain(graceMs: number): Promise<void>;
}

const DEFAULT_MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_AGE_MS = 30 * 60_000;
/** The most messages that a server decompresses at once: one can grow to a thousand times its length. */
const MAX_DECOMPRESSIONS = 2;
/** How long the statuses of aborted calls may take to be sent. Milliseconds. */
const FLUSH_MS = 100;

/**
 * Serves a router over gRPC: HTTP/2, with mutual TLS if `mutualTls` is given.
 *
 * @throws Error that names the address, if it can't be bound.
 */
export async function serve(router: Router, options: ServeOptions): Promise<RpcServer> {
  const { listen, tunnel = true, mutualTls, maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES } = options;
  const server = new GrpcServer(router, {
    ...options,
    maxRequestBytes,
    tunnel: tunnel && hasRoomForFrames(maxRequestBytes),
  });
  const port = await server.bind(listen);
  return {
    address: listen.startsWith('unix:') ? listen : listen.replace(/:\d+$/, `:${port}`),
    port,
    tunnel: server.tunnels !== undefined,
    tls: mutualTls?.mode ?? 'off',
    get refusedConnections() {
      return server.refused;
    },
    drain: (graceMs) => server.drain(graceMs),
  };
}

class GrpcServer {
  readonly tunnels: Tunnels | undefined;
  readonly #router: Router;
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #inFlight = new InFlight<CallInFlight>();
  readonly #calls: GrpcCalls;
  readonly #unfinished: { readonly unfinished: Shares; readonly stepBytes: number };
  readonly #connections: OpenConnections;
  readonly #handshakes: MutualHandshakes | undefined;
  readonly #listener: Listener;
  readonly #refusals: HandshakeLog;
  #draining = false;

  constructor(router: Router, options: ServeOptions & { readonly maxRequestBytes: number; readonly tunnel: boolean }) {
    const { mutualTls, maxRequestBytes, clock = systemClock, maxConnectionAgeMs = DEFAULT_MAX_AGE_MS } = options;
    const { maxConnections: most = CONNECTIONS.most, maxConnectionsPerAddress = CONNECTIONS.ofOneAddress } = options;
    const { logger, handle } = router;
    this.#router = router;
    this.#clock = clock;
    this.#maxAgeMs = maxConnectionAgeMs;
    const maxUnfinished = MAX_UNFINISHED * maxRequestBytes;
    this.#unfinished = { unfinished: new Shares(2 * maxUnfinished), stepBytes: Math.ceil(maxUnfinished / STEPS) };
    const shared = { handle, clock, logger, begin: (call: CallInFlight) => this.#begin(call) };
    this.tunnels = options.tunnel ? new Tunnels({ ...shared, maxRequestBytes }) : undefined;
    this.#calls = new GrpcCalls({
      ...shared,
      methods: router.methods,
      maxRequestBytes,
      decompressions: createSemaphore(MAX_DECOMPRESSIONS),
      tunnel: this.tunnels && ((opened) => this.tunnels?.serve(opened)),
    });
    this.#connections = new OpenConnections({ most, ofOneClient: maxConnectionsPerAddress });
    this.#refusals = new HandshakeLog(logger, clock);
    this.#handshakes =
      mutualTls &&
      new MutualHandshakes({ tls: mutualTls, clock, logger, secured: (...secured) => this.#accept(...secured) });
    this.#listener = createListener({
      connections: this.#connections,
      protocols: {
        http2: (socket) => this.#accept(socket),
        tls: this.#handshakes && ((socket) => this.#handshakes?.accept(socket)),
        onlyTls: mutualTls?.mode === 'on',
      },
      firstBytesMs: HANDSHAKE_MS,
      clock,
      failed: (error) => logger.error({ err: error }, 'the port failed'),
      refused: (socket, fault) => this.#refusals.refused(socket, fault),
    });
  }

  get refused(): RpcServer['refusedConnections'] {
    return { handshake: this.#handshakes?.refused ?? 0, limit: this.#refusals.count };
  }

  /** Returns the port. */
  async bind(listen: string): Promise<number> {
    try {
      await removeStaleSocket(listen);
      return await this.#listener.listen(listenOptions(listen));
    } catch (cause) {
      this.#handshakes?.close();
      throw new Error(`can't listen on ${listen}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    this.#listener.closeUndecided();
    this.#listener.close();
    this.tunnels?.drain();
    for (const session of this.#sessions) session.close();
    const streams = this.#inFlight.all().filter(({ endless }) => endless);
    if (streams.length > 0)
      this.#router.logger.info({ streams: streams.length }, 'ending the streams without a deadline');
    for (const stream of streams) stream.abort(serverErrors.STOPPING());
    await this.#untilClosed(graceMs);
    this.#connections.destroy();
    this.#handshakes?.close();
  }

  /** Resolves when the sessions that are open now have closed. Those that take longer than the grace are ended. */
  async #untilClosed(graceMs: number): Promise<void> {
    let timer: Timer | undefined;
    const after = (ms: number, run: () => void) => {
      timer = this.#clock.setTimer(ms, run);
    };
    const closed = Promise.all(
      [...this.#sessions].map((session) => new Promise((resolve) => session.once('close', resolve))),
    );
    const forced = new Promise<void>((resolve) => {
      after(graceMs, () => {
        for (const call of this.#inFlight.all()) call.abort(serverErrors.STOPPING());
        // Their statuses are sent first. Then connections that are still open are closed.
        after(FLUSH_MS, () => {
          for (const session of this.#sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
          after(FLUSH_MS, resolve);
        });
      });
    });
    await Promise.race([closed, forced]);
    timer?.cancel();
  }

  #accept(socket: Socket, client?: Peer): void {
    const clock = this.#clock;
    const session = openSession(socket, { options: HTTP2, clock });
    if (session.destroyed) return;
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    awaitSettings(session, clock, HANDSHAKE_MS);
    limitAge(session, { clock, random: systemRandom, maxAgeMs: this.#maxAgeMs });
    const connection = new Connection({ socket, session, client, clock, ...this.#unfinished });
    // Node gives the raw headers, too; its types don't know them.
    session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => {
      const [, raw] = rest;
      this.#calls.take({ stream, headers, connection }, Array.isArray(raw) ? raw : NO_HEADERS);
    });
    // Its TLS handshake has ended in the drain.
    if (this.#draining) session.close();
  }

  #begin(call: CallInFlight): () => void {
    this.#inFlight.add(call);
    if (this.#draining && call.endless) call.abort(serverErrors.STOPPING());
    return () => this.#inFlight.delete(call);
  }
}

const HTTP2 = http2Options(SERVICE_LIMITS);
const NO_HEADERS: readonly string[] = [];

/** What Node binds for a text as in {@link ServeOptions}. */
function listenOptions(listen: string): ListenOptions {
  const path = socketPath(listen);
  if (path !== undefined) return { path };
  const [, v6, host, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(listen) ?? [];
  if (port === undefined) throw new TypeError('give host:port, [v6]:port or unix:/path');
  return { host: v6 ?? host, port: Number(port) };
}
