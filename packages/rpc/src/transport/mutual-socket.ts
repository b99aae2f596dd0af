import type { Socket } from 'node:net';
import {
  connect as connectTls,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { SecuredConnection } from '../principal/signer.js';
import type { ProcessCertificate } from '../tls/certificate.js';
import { MIN_VERSION, type MutualTls } from '../tls/mutual-tls.js';
import { faultOfIdentity, faultOfPeer } from '../tls/peer-faults.js';
import { spiffeIdOf } from '../tls/spiffe-id.js';
import { FRAMES_ALPN } from './frames/frames.js';

/** What a client's socket needs for mutual TLS. */
interface MutualSocketOptions {
  readonly tls: MutualTls;
  /** The names of the processes that may answer; undefined for each of the trust domain. */
  readonly servers: readonly string[] | undefined;
  /** Each end has proved who it is. */
  readonly onSecured: (connection: SecuredConnection) => void;
  /** The server has ended a connection for which the handshake was complete: why. */
  readonly onRefused: (fault: string) => void;
}

/** Why a server may have ended a plaintext connection without a word. */
export const SILENT_END =
  'it ended the connection before it sent anything: it may need TLS (for a process of Rondo set RONDO_TLS=on here, or permissive there), or speak no gRPC';

/** Contexts by certificate: to make one costs more than a handshake. */
const contexts = new WeakMap<ProcessCertificate, SecureContext>();

/** The TLS settings of a process, by its present certificate. */
export function contextOf({ identity: { current } }: MutualTls): SecureContext {
  const { cert, key, ca } = current;
  const context = contexts.get(current) ?? createSecureContext({ cert, key, ca, minVersion: MIN_VERSION });
  contexts.set(current, context);
  return context;
}

/** Begins mutual TLS on a socket, for frames or gRPC. Rejects with what is wrong with the server. */
export function secureSocket(socket: Socket, options: MutualSocketOptions): Promise<TLSSocket> {
  const { tls, onSecured, onRefused } = options;
  const certificate = tls.identity.current;
  return new Promise((resolve, reject) => {
    const refuse = (fault: string) => {
      // Node leaves the connection below open after some faults.
      socket.destroy();
      reject(new Error(fault));
    };
    const secured = connectTls({
      socket,
      secureContext: contextOf(tls),
      ALPNProtocols: [FRAMES_ALPN, 'h2'],
      checkServerIdentity: (_host, peer) => checkServer(peer, options),
    });
    secured.once('secureConnect', () => {
      const peer = secured.getPeerX509Certificate();
      const server = peer && spiffeIdOf(peer);
      if (server !== undefined) onSecured({ certificate, server: server.uri });
      followRefusal(secured, tls, onRefused);
      resolve(secured);
    });
    secured.on('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof IdentityError) refuse(error.message);
      else if (error.code !== 'ECONNRESET') refuse(faultOfPeer(error));
    });
    secured.once('close', () => refuse('it ended the connection during the TLS handshake; its log says why'));
  });
}

/** What is wrong with the identity of a server that has a valid certificate; undefined if it is one of `servers`. */
export function checkServer(
  { subjectaltname }: Pick<PeerCertificate, 'subjectaltname'>,
  { tls, servers }: Pick<MutualSocketOptions, 'tls' | 'servers'>,
): Error | undefined {
  const { trustDomain } = tls.identity.current.id;
  const fault = faultOfIdentity(spiffeIdOf({ subjectAltName: subjectaltname }), { trustDomain, names: servers });
  return fault === undefined ? undefined : new IdentityError(fault);
}

/** A server whose certificate is valid, but not the one that is wanted. */
class IdentityError extends Error {}

/**
 * In TLS 1.3 a client's handshake is complete before the server has looked at the client's certificate. A server that
 * refuses it then sends an alert, or, if it runs on Node, just ends the connection.
 */
function followRefusal(secured: TLSSocket, { identity }: MutualTls, onRefused: (fault: string) => void): void {
  let reported = false;
  const tell = (fault: string) => {
    if (!reported && secured.bytesRead === 0) onRefused(fault);
    reported = true;
  };
  secured.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') tell(faultOfPeer(error));
  });
  secured.once('close', () => tell(refusalBy(identity.current)));
}

/** Why a server may have ended a connection for which the handshake was complete, and sent nothing. */
export function refusalBy({ id, validTo }: ProcessCertificate): string {
  return `it ended the connection after the TLS handshake: it may not accept ${id.uri}, valid until ${validTo.toISOString()}; its log says why`;
}
