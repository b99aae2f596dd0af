import type { X509Certificate } from 'node:crypto';
import type { Http2SecureServer, Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Session } from 'node:http2';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { Clock } from '@rondo/base';
import type { Logger } from '../../call/call.js';
import { type MutualTls, MIN_VERSION as minVersion } from '../../tls/mutual-tls.js';
import { faultOfIdentity, faultOfPeer, hasLeft, NO_HTTP2 } from '../../tls/peer-faults.js';
import { spiffeIdOf } from '../../tls/spiffe-id.js';
import { HandshakeLog } from './handshake-log.js';
import { HANDSHAKE_MS } from './limits.js';

/** The name of HTTP/2 over TLS. Source: https://www.rfc-editor.org/rfc/rfc9113#section-3.2 */
const HTTP2 = 'h2';

/** The servers' part of {@link MutualTls}: each client proves who it is. A new certificate applies to new connections. */
export class MutualServerCredentials extends grpc.ServerCredentials {
  constructor({ identity }: MutualTls) {
    const contextOf = ({ cert, key, ca }: typeof identity.current) => ({ cert, key, ca, minVersion }) as const;
    const handshake = { handshakeTimeout: HANDSHAKE_MS, requestCert: true, rejectUnauthorized: true };
    super({ ...handshake, minVersion, ALPNProtocols: [HTTP2] }, contextOf(identity.current));
    identity.onChange((certificate) => this.updateSecureContextOptions(contextOf(certificate)));
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return this === other;
  }
}

/** A client whose certificate was verified. */
export interface Peer {
  /** Its SPIFFE id. */
  readonly identity: string;
  /** Missing if its connection has ended. */
  readonly certificate?: X509Certificate | undefined;
}

/** The key of a call's metadata under which its handler's server finds the client's identity. */
export const PEER_KEY = 'rondo-peer-identity';

/** What {@link PeerIdentities} needs. */
interface PeerOptions {
  readonly tls: MutualTls;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The identities of a server's clients. A client without an identity in the trust domain is refused and logged. */
export class PeerIdentities {
  readonly #tls: MutualTls;
  readonly #log: HandshakeLog;
  /** By session: what stands under the key of its calls. */
  readonly #labels = new WeakMap<Http2Session, string>();
  /** The clients that are connected, by their labels. */
  readonly #peers = new Map<string, Peer>();
  #connections = 0;

  constructor({ tls, clock, logger }: PeerOptions) {
    this.#tls = tls;
    this.#log = new HandshakeLog(logger, clock);
  }

  /** How many connections were refused because of their handshake or their certificate. */
  get refused(): number {
    return this.#log.count;
  }

  /** Follows the connections of a server, with or without TLS, before grpc-js listens to it. */
  follow(http2Server: Http2Server | Http2SecureServer): void {
    if (isSecure(http2Server)) this.#admit(http2Server);
    http2Server.on(
      'stream',
      ({ session }: { session: ServerHttp2Session | undefined }, headers: IncomingHttpHeaders) => {
        // Whatever a client has written there itself is replaced.
        const label = session && this.#labels.get(session);
        if (label === undefined) delete headers[PEER_KEY];
        else headers[PEER_KEY] = label;
      },
    );
  }

  /** The client that sent `metadata`; undefined if its connection is plaintext. Removes the client's key from the metadata. */
  take(metadata: grpc.Metadata): Peer | undefined {
    const [label] = metadata.get(PEER_KEY);
    metadata.remove(PEER_KEY);
    return typeof label === 'string' ? this.#peerOf(label) : undefined;
  }

  /** The client of a session, undefined if its connection is plaintext. */
  of(session: Http2Session): Peer | undefined {
    const label = this.#labels.get(session);
    return label === undefined ? undefined : this.#peerOf(label);
  }

  #peerOf(label: string): Peer {
    return this.#peers.get(label) ?? { identity: label.slice(label.indexOf(' ') + 1) };
  }

  #join(session: ServerHttp2Session, peer: Peer): void {
    this.#connections += 1;
    const label = `${this.#connections} ${peer.identity}`;
    this.#labels.set(session, label);
    this.#peers.set(label, peer);
    session.once('close', () => this.#peers.delete(label));
  }

  /** Lets only clients of the trust domain through to Node's HTTP/2. */
  #admit(http2Server: Http2SecureServer): void {
    const [serve] = http2Server.listeners('secureConnection');
    if (serve === undefined)
      throw new TypeError("the HTTP/2 server of this version of Node can't be guarded: see ADR 0065");
    http2Server.off('secureConnection', serve as (socket: TLSSocket) => void);
    // Node forgets the address of a connection that has ended, unless it was read before.
    http2Server.prependListener('connection', (socket: Socket) => void socket.remoteAddress);
    let admitted: Peer | undefined;
    http2Server.on('secureConnection', (socket) => {
      admitted = this.#check(socket);
      if (admitted === undefined) socket.destroy();
      else Reflect.apply(serve, http2Server, [socket]);
    });
    // Node emits it before `serve` returns.
    http2Server.on('session', (session: ServerHttp2Session) => {
      if (admitted !== undefined) this.#join(session, admitted);
    });
    http2Server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      // Node's types lack that the property may be missing: it is set if a client's certificate was refused.
      const { authorizationError }: { readonly authorizationError?: unknown } = socket;
      const fault = authorizationError ?? error;
      this.#log.refused(underlying(socket), faultOfPeer(fault), hasLeft(fault) ? 'debug' : 'warn');
    });
  }

  #check(socket: TLSSocket): Peer | undefined {
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    const id = certificate && spiffeIdOf(certificate);
    const { identity } = this.#tls;
    const expired = certificate && identity.hasExpired(certificate) ? faultOfPeer('CERT_HAS_EXPIRED') : undefined;
    const fault = expired ?? faultOfIdentity(id, identity.current.id) ?? faultOfProtocol(socket);
    if (id !== undefined && fault === undefined) return { identity: id.uri, certificate };
    if (fault !== undefined) this.#log.refused(socket, fault);
    return undefined;
  }
}

/** Node would keep a connection without HTTP/2 open for 10 s more. */
function faultOfProtocol({ alpnProtocol }: TLSSocket): string | undefined {
  return alpnProtocol === HTTP2 ? undefined : NO_HTTP2;
}

/** The socket below TLS. The property is private to Node; if it is missing, the log says that the address is unknown. */
function underlying(secured: TLSSocket): Socket {
  const socket: unknown = Reflect.get(secured, '_parent');
  return socket instanceof Socket ? socket : secured;
}

/** Whether the server speaks TLS. Node's class of it isn't public. */
export function isSecure(http2Server: Http2Server | Http2SecureServer): http2Server is Http2SecureServer {
  return 'setSecureContext' in http2Server;
}
