import { constants, type ServerHttp2Session } from 'node:http2';
import type { ListenOptions, Socket } from 'node:net';
import { type Clock, systemClock, systemRandom, type Timer } from '@rondo/base';
import type { Logger } from '../call/call.js';
import type { Router } from '../server/router.js';
import type { MutualTls, TLS_MODES } from '../tls/mutual-tls.js';
import { FRAMES_ALPN } from '../transport/frames/frames.js';
import { limitAge } from './connection-age.js';
import type { FrameServer } from './frame-server.js';
import { ServedCalls } from './grpc-calls.js';
import { HandshakeLog } from './handshake-log.js';
import { CONNECTIONS, HANDSHAKE_MS, http2Options, SERVICE_LIMITS } from './limits.js';
import { createListener, type Listener } from './listener.js';
import { MutualHandshakes, type Peer } from './mutual-tls.js';
import { OpenConnections } from './open-connections.js';
import { awaitSettings, openSession } from './session.js';
import { removeStaleSocket, socketPath } from './stale-socket.js';

export interface ServeOptions {
  /**
   * `host:port`, `[v6]:port` or `unix:/path`; port 0 is any free one. A socket that a killed process left at `/path` is
   * removed. It is an error if a process listens on it, or if it is another kind of file.
   */
  readonly listen: string;
  /** The longest request message, in bytes; 4 MiB by default, as in gRPC. A longer one is `RESOURCE_EXHAUSTED`. */
  readonly maxRequestBytes?: number;
  readonly clock?: Clock;
  /** Whether Rondo's clients may call in frames, besides gRPC; the endpoint must be registered with this protocol. True by default. */
  readonly frames?: boolean;
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
  /** Whether it takes calls in frames. */
  readonly frames: boolean;
  /** Whether clients need mutual TLS, can have it, or can't. */
  readonly tls: (typeof TLS_MODES)[number];
  /** How many connections it has refused: by their handshakes or certificates, and beyond the most that it may have. */
  readonly refusedConnections: { readonly handshake: number; readonly limit: number };
  /**
   * Stops accepting calls and connections. Streams without a deadline end at once, because they would never end by
   * themselves. Other calls have `graceMs` to finish, by default 10 s. Calls that take longer, and new calls, end with
   * `UNAVAILABLE`, so that their callers try another instance.
   */
  drain(graceMs?: number): Promise<void>;
}

const DEFAULT_MAX_REQUEST_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_AGE_MS = 30 * 60_000;
/** How long the statuses of aborted calls may take to be sent. Milliseconds. */
const FLUSH_MS = 100;

/**
 * Serves a router over gRPC: HTTP/2, with mutual TLS if `mutualTls` is given.
 *
 * @throws Error that names the address, if it can't be bound.
 */
export async function serve(router: Router, options: ServeOptions): Promise<RpcServer> {
  const server = new GrpcServer(router, options);
  await server.listen();
  return server;
}

class GrpcServer implements RpcServer {
  readonly tls: RpcServer['tls'];
  readonly frames: boolean;
  port = 0;
  readonly #listen: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #maxAgeMs: number;
  readonly #sessions = new Set<ServerHttp2Session>();
  /** The connections that speak frames. */
  readonly #frameSockets = new Map<Socket, FrameServer>();
  readonly #calls: ServedCalls;
  readonly #connections: OpenConnections;
  readonly #handshakes: MutualHandshakes | undefined;
  readonly #listener: Listener;
  readonly #refusals: HandshakeLog;
  #draining = false;

  constructor(router: Router, options: ServeOptions) {
    const { mutualTls, clock = systemClock, frames = true, maxConnectionAgeMs = DEFAULT_MAX_AGE_MS } = options;
    const { maxConnections: most = CONNECTIONS.most, maxConnectionsPerAddress = CONNECTIONS.ofOneAddress } = options;
    const { maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES } = options;
    const { logger } = router;
    this.tls = mutualTls?.mode ?? 'off';
    this.#listen = options.listen;
    this.#logger = logger;
    this.#clock = clock;
    this.#maxAgeMs = maxConnectionAgeMs;
    this.frames = frames;
    this.#calls = new ServedCalls(router, { clock, maxRequestBytes });
    this.#connections = new OpenConnections({ most, ofOneClient: maxConnectionsPerAddress });
    this.#refusals = new HandshakeLog(logger, clock);
    this.#handshakes =
      mutualTls &&
      new MutualHandshakes({
        tls: mutualTls,
        clock,
        logger,
        frames,
        secured: (socket, client) =>
          socket.alpnProtocol === FRAMES_ALPN ? this.#acceptFrames(socket, client) : this.#accept(socket, client),
      });
    this.#listener = createListener({
      connections: this.#connections,
      protocols: {
        http2: (socket) => this.#accept(socket),
        frames: frames ? (socket) => this.#acceptFrames(socket) : undefined,
        tls: this.#handshakes && ((socket) => this.#handshakes?.accept(socket)),
        onlyTls: mutualTls?.mode === 'on',
      },
      firstBytesMs: HANDSHAKE_MS,
      clock,
      failed: (error) => logger.error({ err: error }, 'the port failed'),
      refused: (socket, fault) => this.#refusals.refused(socket, fault),
    });
  }

  get address(): string {
    return socketPath(this.#listen) === undefined ? this.#listen.replace(/:\d+$/, `:${this.port}`) : this.#listen;
  }

  get refusedConnections(): RpcServer['refusedConnections'] {
    return { handshake: this.#handshakes?.refused ?? 0, limit: this.#refusals.count };
  }

  async listen(): Promise<void> {
    const listen = this.#listen;
    try {
      await removeStaleSocket(listen);
      this.port = await this.#listener.listen(listenOptions(listen));
    } catch (cause) {
      this.#handshakes?.close();
      throw new Error(`can't listen on ${listen}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
  }

  /** Callers take it from the server without its object. */
  readonly drain = async (graceMs = 10_000): Promise<void> => {
    this.#draining = true;
    this.#listener.closeUndecided();
    this.#listener.close();
    for (const frames of this.#frameSockets.values()) frames.drain();
    for (const session of this.#sessions) session.close();
    const streams = this.#calls.endStreams();
    if (streams > 0) this.#logger.info({ streams }, 'ending the streams without a deadline');
    await this.#untilClosed(graceMs);
    this.#connections.destroy();
    this.#handshakes?.close();
  };

  /** Resolves when the sessions that are open now have closed. Those that take longer than the grace are ended. */
  async #untilClosed(graceMs: number): Promise<void> {
    let timer: Timer | undefined;
    const after = (ms: number, run: () => void) => {
      timer = this.#clock.setTimer(ms, run);
    };
    const closed = Promise.all(
      [...this.#sessions, ...this.#frameSockets.keys()].map(
        (open) => new Promise<void>((resolve) => open.once('close', resolve)),
      ),
    );
    const forced = new Promise<void>((resolve) => {
      after(graceMs, () => {
        this.#calls.endAll();
        // Their statuses are sent first. Then connections that are still open are closed.
        after(FLUSH_MS, () => {
          for (const session of this.#sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
          for (const socket of this.#frameSockets.keys()) socket.destroy();
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
    this.#calls.serve({ socket, session, client });
    // Its TLS handshake has ended in the drain.
    if (this.#draining) session.close();
  }

  #acceptFrames(socket: Socket, client?: Peer): void {
    const frames = this.#calls.serveFrames(socket, client);
    this.#frameSockets.set(socket, frames);
    socket.once('close', () => this.#frameSockets.delete(socket));
    if (this.#draining) frames.drain();
  }
}

const HTTP2 = http2Options(SERVICE_LIMITS);

/** What Node binds for a text as in {@link ServeOptions}. */
function listenOptions(listen: string): ListenOptions {
  const path = socketPath(listen);
  if (path !== undefined) return { path };
  const [, v6, host, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(listen) ?? [];
  if (port === undefined) throw new TypeError('give host:port, [v6]:port or unix:/path');
  return { host: v6 ?? host, port: Number(port) };
}
