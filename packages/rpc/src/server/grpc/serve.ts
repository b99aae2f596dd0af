import { constants, type Http2SecureServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import { type Clock, systemClock, systemRandom, type Timer } from '@rondo/base';
import type { Logger } from '../../call/call.js';
import { serverErrors } from '../../errors/server.js';
import type { MutualTls, TLS_MODES } from '../../tls/mutual-tls.js';
import { InFlight } from '../../transport/grpc/active-calls.js';
import { hasRoomForFrames } from '../../transport/tunnel/frames.js';
import type { Router } from '../router.js';
import { noteArrival } from './arrival.js';
import { bindMethod, bindUnknown } from './bind.js';
import { limitAge } from './connection-age.js';
import { ConnectionLimit } from './connection-limit.js';
import { Connections } from './connections.js';
import type { CallInFlight } from './exchange.js';
import { awaitSettings, correctTimeout, setUpHttp2, watchClients, widenWindows } from './http2.js';
import { CONNECTIONS, HTTP2_OPTIONS, MAX_UNFINISHED } from './limits.js';
import { isSecure, MutualServerCredentials, PeerIdentities } from './mutual-tls.js';
import { RequestStreams } from './request-streams.js';
import { removeStaleSocket } from './stale-socket.js';
import { TlsConnections } from './tls-connections.js';
import { bindTunnels } from './tunnel.js';
import { UnaryStreams } from './unary-stream.js';

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

/**
 * Serves a router over gRPC: HTTP/2, with mutual TLS if `mutualTls` is given.
 *
 * @throws Error that names the address, if it can't be bound.
 */
export async function serve(router: Router, options: ServeOptions): Promise<RpcServer> {
  const { listen, maxRequestBytes = DEFAULT_MAX_REQUEST_BYTES, clock = systemClock, tunnel = true } = options;
  const { maxConnectionAgeMs: maxAgeMs = DEFAULT_MAX_AGE_MS, mutualTls } = options;
  const { maxConnections = CONNECTIONS.most, maxConnectionsPerAddress = CONNECTIONS.ofOneAddress } = options;
  const peers = mutualTls && new PeerIdentities({ tls: mutualTls, clock, logger: router.logger });
  const server = new grpc.Server({ 'grpc.enable_channelz': 0, 'grpc.max_receive_message_length': maxRequestBytes });
  const sessions = new Set<ServerHttp2Session>();
  const connections = new Connections(MAX_UNFINISHED * maxRequestBytes);
  const streams = new RequestStreams(router.methods, { clock, connections, maxRequestBytes });
  const connectionLimit = new ConnectionLimit({
    maxConnections,
    maxConnectionsPerAddress,
    clock,
    logger: router.logger,
  });
  const tlsConnections = new TlsConnections({ limit: connectionLimit, clock });
  const prepare = (http2Server: Http2Server | Http2SecureServer) => {
    if (isSecure(http2Server)) tlsConnections.guard(http2Server);
    // A permissive server hands its plaintext connections over, which are counted.
    else if (mutualTls === undefined) connectionLimit.guard(http2Server, (_socket, begin) => begin());
    awaitSettings(http2Server, clock);
    peers?.follow(http2Server);
    watchClients(http2Server, clock);
    widenWindows(http2Server);
    limitAge(http2Server, { clock, random: systemRandom, maxAgeMs });
    http2Server.on('stream', (_stream, headers) => {
      noteArrival(headers);
      correctTimeout(headers);
    });
    streams.follow(http2Server);
    http2Server.on('session', (session) => {
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
      // Its TLS handshake has ended in the drain.
      if (draining) session.close();
    });
  };
  const inFlight = new InFlight<CallInFlight>();
  let draining = false;
  const begin = (call: CallInFlight) => {
    inFlight.add(call);
    if (draining && call.endless) call.abort(serverErrors.STOPPING());
    return () => {
      call.settle();
      inFlight.delete(call);
    };
  };
  const binding = { handle: router.handle, clock, streams, peers, begin, logger: router.logger };
  const unary = new UnaryStreams(router.methods, { ...binding, connections, maxRequestBytes });
  setUpHttp2(server, {
    options: HTTP2_OPTIONS,
    prepare,
    take: (...opened) => unary.take(...opened),
    followed: (stream, path) => streams.gather(stream, path),
  });
  for (const method of router.methods) bindMethod(server, method, binding);
  bindUnknown(server, binding);
  const tunnels = tunnel && hasRoomForFrames(maxRequestBytes) ? bindTunnels(server, binding) : undefined;
  if (mutualTls?.mode === 'permissive') tlsConnections.permitPlaintext(server);
  const port = await bind(server, listen, mutualTls);
  return {
    address: listen.startsWith('unix:') ? listen : listen.replace(/:\d+$/, `:${port}`),
    port,
    tunnel: tunnels !== undefined,
    tls: mutualTls?.mode ?? 'off',
    get refusedConnections() {
      return { handshake: peers?.refused ?? 0, limit: connectionLimit.refused };
    },
    async drain(graceMs) {
      draining = true;
      tlsConnections.closeWaiting();
      tunnels?.drain();
      await drain(server, { inFlight, sessions, graceMs, clock, logger: router.logger });
      connectionLimit.close();
    },
  };
}

/** Returns the port. grpc-js closes the listener when it drains. */
async function bind(server: grpc.Server, listen: string, mutualTls: MutualTls | undefined): Promise<number> {
  try {
    await removeStaleSocket(listen);
    const credentials = mutualTls ? new MutualServerCredentials(mutualTls) : grpc.ServerCredentials.createInsecure();
    return await promisify(server.bindAsync.bind(server))(listen, credentials);
  } catch (cause) {
    throw new Error(`can't listen on ${listen}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

interface DrainOptions {
  readonly inFlight: InFlight<CallInFlight>;
  /** The open connections. grpc-js lists them only with channelz, which costs time in each call. */
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly graceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

async function drain(server: grpc.Server, options: DrainOptions): Promise<void> {
  const { inFlight, sessions, graceMs, clock, logger } = options;
  const closed = Promise.all([...sessions].map((session) => new Promise((resolve) => session.once('close', resolve))));
  // It would call back late, or never, because it also waits for connections in their TLS handshake, and for
  // connections that are breaking.
  server.tryShutdown(() => undefined);
  const streams = [...inFlight.all()].filter(({ endless }) => endless);
  if (streams.length > 0) logger.info({ streams: streams.length }, 'ending the streams without a deadline');
  for (const stream of streams) stream.abort(serverErrors.STOPPING());
  let timer: Timer | undefined;
  const forced = new Promise<void>((resolve) => {
    timer = clock.setTimer(graceMs, () => {
      for (const call of inFlight.all()) call.abort(serverErrors.STOPPING());
      // Their statuses are sent first. Then connections that are still open are closed.
      timer = clock.setTimer(FLUSH_MS, () => {
        server.forceShutdown();
        for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
        timer = clock.setTimer(FLUSH_MS, resolve);
      });
    });
  });
  await Promise.race([closed, forced]);
  timer?.cancel();
}

/** How long the statuses of aborted calls may take to be sent. Milliseconds. */
const FLUSH_MS = 100;
