import type { Http2SecureServer, Http2Server, IncomingHttpHeaders, ServerHttp2Session } from 'node:http2';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { Logger } from '../../call/call.js';
import type { Clock } from '../../clock/clock.js';
import type { MutualTls } from '../../tls/mutual-tls.js';
import { faultOfIdentity, faultOfPeer } from '../../tls/peer-faults.js';
import { type SpiffeId, spiffeIdOf } from '../../tls/spiffe-id.js';
import { HandshakeLog } from './handshake-log.js';

/** How long a client has for its handshake. Milliseconds. */
const HANDSHAKE_MS = 10_000;

/** The servers' part of {@link MutualTls}: each client proves who it is. A new certificate applies to new connections. */
export class MutualServerCredentials extends grpc.ServerCredentials {
  constructor({ identity, minVersion }: MutualTls) {
    const contextOf = ({ cert, key, ca }: typeof identity.current) => ({ cert, key, ca, minVersion });
    const handshake = { handshakeTimeout: HANDSHAKE_MS, requestCert: true, rejectUnauthorized: true };
    super({ ...handshake, minVersion, ALPNProtocols: ['h2'] }, contextOf(identity.current));
    identity.onChange((certificate) => this.updateSecureContextOptions(contextOf(certificate)));
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return this === other;
  }
}

/** The key of a call's metadata under which its handler's server finds the client's identity. */
const KEY = 'rondo-peer-identity';

/** What {@link PeerIdentities} needs. */
interface PeerOptions {
  readonly tls: MutualTls;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The identities of a server's clients. A client that has none of the trust domain is refused, and logged. */
export class PeerIdentities {
  readonly #tls: MutualTls;
  readonly #log: HandshakeLog;
  readonly #ids = new WeakMap<ServerHttp2Session, SpiffeId>();

  constructor({ tls, clock, logger }: PeerOptions) {
    this.#tls = tls;
    this.#log = new HandshakeLog(logger, clock);
  }

  /** Follows the connections of a server, with or without TLS, before grpc-js listens to it. */
  follow(http2Server: Http2Server | Http2SecureServer): void {
    if (isSecure(http2Server)) this.#admit(http2Server);
    http2Server.on(
      'stream',
      ({ session }: { session: ServerHttp2Session | undefined }, headers: IncomingHttpHeaders) => {
        // Whatever a client has written there itself is replaced.
        const id = session && this.#ids.get(session);
        if (id === undefined) delete headers[KEY];
        else headers[KEY] = id.uri;
      },
    );
  }

  /** The SPIFFE id of the client that sent `metadata`, undefined if its connection is plaintext. Removes its key. */
  take(metadata: grpc.Metadata): string | undefined {
    const [uri] = metadata.get(KEY);
    metadata.remove(KEY);
    return typeof uri === 'string' ? uri : undefined;
  }

  /** Lets only clients of the trust domain through to Node's HTTP/2. */
  #admit(http2Server: Http2SecureServer): void {
    const [serve] = http2Server.listeners('secureConnection');
    if (serve === undefined)
      throw new TypeError("the HTTP/2 server of this version of Node can't be guarded: see ADR 0065");
    http2Server.off('secureConnection', serve as (socket: TLSSocket) => void);
    // Node forgets the address of a connection that has ended, unless it was read before.
    http2Server.prependListener('connection', (socket: Socket) => void socket.remoteAddress);
    let admitted: SpiffeId | undefined;
    http2Server.on('secureConnection', (socket) => {
      admitted = this.#check(socket);
      if (admitted === undefined) socket.destroy();
      else Reflect.apply(serve, http2Server, [socket]);
    });
    // Node emits it before `serve` returns.
    http2Server.on('session', (session: ServerHttp2Session) => {
      if (admitted !== undefined) this.#ids.set(session, admitted);
    });
    http2Server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      // Node's types lack that the property may be missing: it is set if a client's certificate was refused.
      const { authorizationError }: { readonly authorizationError?: unknown } = socket;
      this.#log.refused(underlying(socket), faultOfPeer(authorizationError ?? error));
    });
  }

  #check(socket: TLSSocket): SpiffeId | undefined {
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    const id = certificate && spiffeIdOf(certificate);
    const fault = faultOfIdentity(id, this.#tls.identity.current.id);
    if (fault === undefined) return id;
    this.#log.refused(socket, fault);
    return undefined;
  }
}

/** The connection below TLS. Its property is private to Node; without it the log says that the address is unknown. */
function underlying(secured: TLSSocket): Socket {
  const socket: unknown = Reflect.get(secured, '_parent');
  return socket instanceof Socket ? socket : secured;
}

/** Whether the server speaks TLS. Node's class of it isn't public. */
export function isSecure(http2Server: Http2Server | Http2SecureServer): http2Server is Http2SecureServer {
  return 'setSecureContext' in http2Server;
}
