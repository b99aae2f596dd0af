import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { type Instance, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import { ownCertificate } from '../channels.js';

/**
 * Until when the certificate of an instance is valid, by a TLS handshake with it. Undefined if the instance has no TLS, or
 * doesn't complete the handshake before the signal aborts.
 */
export async function certificateExpiry({ endpoints }: Instance, signal: AbortSignal): Promise<Date | undefined> {
  const endpoint = endpoints.find(({ security }) => security === Security.SECURITY_TLS);
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(endpoint?.address ?? '') ?? [];
  const own = ownCertificate();
  if (host === undefined || own === undefined) return undefined;
  const { cert, key } = own;
  // Only the certificate is read here: the calls of the check decide whether it is trusted.
  const socket = connect({ host, port: Number(port), cert, key, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
  const abort = () => socket.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { valid_to: validTo } = await peerOf(socket);
    return validTo === undefined ? undefined : new Date(validTo);
  } finally {
    signal.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** The certificate of the other end; empty if the connection fails, for which the check gives the reason. */
function peerOf(socket: TLSSocket): Promise<Partial<PeerCertificate>> {
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve(socket.getPeerCertificate()));
    socket.on('error', () => resolve({}));
    socket.once('close', () => resolve({}));
  });
}
