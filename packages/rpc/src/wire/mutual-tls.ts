import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '@rondo/base';
import type { Logger } from '../call/call.js';
import { type MutualTls, MIN_VERSION as minVersion } from '../tls/mutual-tls.js';
import { faultOfIdentity, faultOfPeer, hasLeft, NO_HTTP2 } from '../tls/peer-faults.js';
import { spiffeIdOf } from '../tls/spiffe-id.js';
import { FRAMES_ALPN } from '../transport/frames/frames.js';
import { HandshakeLog } from './handshake-log.js';
import { Handshakes } from './handshakes.js';
import { HANDSHAKE_MS } from './limits.js';

/** The name of HTTP/2 over TLS. Source: https://www.rfc-editor.org/rfc/rfc9113#section-3.2 */
const HTTP2 = 'h2';

/** A client whose certificate was verified. */
export interface Peer {
  /** Its SPIFFE id. */
  readonly identity: string;
  readonly certificate: X509Certificate;
}

interface MutualHandshakesOptions {
  readonly tls: MutualTls;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether the port has frames. */
  readonly frames: boolean;
  /** Takes over the connection of a client of the trust domain, which speaks frames if its ALPN protocol is theirs, else HTTP/2. */
  readonly secured: (socket: TLSSocket, client: Peer) => void;
}

/**
 * The servers' part of {@link MutualTls}: each client proves who it is. A client without an identity in the trust domain is refused
 * and logged. A new certificate applies to new connections.
 */
export class MutualHandshakes extends Handshakes {
  readonly #log: HandshakeLog;
  readonly #stop: () => void;

  constructor({ tls, clock, logger, frames, secured }: MutualHandshakesOptions) {
    const { identity } = tls;
    const log = new HandshakeLog(logger, clock);
    super({
      options: {
        ALPNProtocols: frames ? [FRAMES_ALPN, HTTP2] : [HTTP2],
        handshakeTimeout: HANDSHAKE_MS,
        requestCert: true,
        rejectUnauthorized: true,
      },
      secured(socket) {
        const client = check(socket, tls);
        if (typeof client !== 'string') return secured(socket, client);
        log.refused(socket, client);
        socket.destroy();
      },
      failed: (fault, socket) => log.refused(socket, faultOfPeer(fault), hasLeft(fault) ? 'debug' : 'warn'),
    });
    this.#log = log;
    const use = ({ cert, key, ca }: typeof identity.current) => this.use({ cert, key, ca, minVersion });
    use(identity.current);
    this.#stop = identity.onChange(use);
  }

  /** How many connections were refused because of their handshake or their certificate. */
  get refused(): number {
    return this.#log.count;
  }

  close(): void {
    this.#stop();
  }
}

/** The client of a connection, or why it is refused. */
function check(socket: TLSSocket, { identity }: MutualTls): Peer | string {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
  const id = certificate && spiffeIdOf(certificate);
  if (certificate !== undefined && identity.hasExpired(certificate)) return faultOfPeer('CERT_HAS_EXPIRED');
  const fault = faultOfIdentity(id, identity.current.id);
  if (fault !== undefined || id === undefined || certificate === undefined) return fault ?? faultOfPeer(undefined);
  const { alpnProtocol } = socket;
  return alpnProtocol === HTTP2 || alpnProtocol === FRAMES_ALPN ? { identity: id.uri, certificate } : NO_HTTP2;
}
