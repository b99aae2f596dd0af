import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import tls, { type SecureContextOptions, type TLSSocket, type TlsOptions } from 'node:tls';
import { yieldToEventLoop } from '@rondo/base';

/** Options of {@link Handshakes}. */
export interface HandshakeOptions {
  /** What doesn't change with the certificate, such as the protocols and whether clients need certificates. */
  readonly options: TlsOptions;
  /** Takes over a connection after its handshake. */
  readonly secured: (socket: TLSSocket) => void;
  /** Runs when a handshake has failed, with the connection below TLS, if it is known. */
  readonly failed?: (error: unknown, socket: Pick<Socket, 'remoteAddress' | 'remotePort'>) => void;
}

/** The TLS handshakes of connections that a listener hands over. */
export class Handshakes {
  readonly #server;
  /** The connections whose handshake isn't over, by their clients' addresses. */
  readonly #unfinished = new Map<string, Socket>();

  constructor({ options, secured, failed }: HandshakeOptions) {
    this.#server = tls.createServer(options);
    this.#server.on('secureConnection', (socket) => {
      this.#unfinished.delete(addressOf(socket));
      socket.on('error', () => socket.destroy());
      secured(socket);
    });
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      // Node's types lack that the property may be missing: it is set if a client's certificate was refused.
      const { authorizationError }: { readonly authorizationError?: unknown } = socket;
      failed?.(authorizationError ?? error, this.#peerOf(socket));
      socket.destroy();
    });
  }

  /** Takes a certificate into use, for new connections. A client of TLS 1.2 can't ask for handshake after handshake. */
  use(certificate: SecureContextOptions): void {
    this.#server.setSecureContext({ ...certificate, secureOptions: constants.SSL_OP_NO_RENEGOTIATION });
  }

  accept(socket: Socket): void {
    const address = addressOf(socket);
    this.#unfinished.set(address, socket);
    // The failure of a handshake may be reported after this.
    socket.once('close', () => void yieldToEventLoop().then(() => this.#unfinished.delete(address)));
    // A client that ends its side would otherwise keep its connection.
    socket.allowHalfOpen = false;
    this.#server.emit('connection', socket);
  }

  /** Closes the connections whose handshake isn't over. */
  closeUnfinished(): void {
    for (const socket of this.#unfinished.values()) socket.destroy();
  }

  /** Node forgets the address of TLS over a connection that has closed, but not that of the connection itself. */
  #peerOf(secured: TLSSocket): Pick<Socket, 'remoteAddress' | 'remotePort'> {
    if (secured.remoteAddress !== undefined) return secured;
    for (const socket of this.#unfinished.values()) if (socket.destroyed) return socket;
    return secured;
  }
}

/** The same for a connection and for TLS over it. */
const addressOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
