import { AsyncLocalStorage } from 'node:async_hooks';
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import tls, { type SecureContextOptions, type TLSSocket, type TlsOptions } from 'node:tls';

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
  /** The connections whose handshake isn't over. */
  readonly #unfinished = new Set<Socket>();
  /** The connection below TLS, in what Node runs because of its handshake. Node's events name only the TLS over it. */
  readonly #below = new AsyncLocalStorage<Socket>();

  constructor({ options, secured, failed }: HandshakeOptions) {
    this.#server = tls.createServer(options);
    this.#server.on('secureConnection', (socket) => {
      this.#end();
      socket.on('error', () => socket.destroy());
      secured(socket);
    });
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
      // Node's types lack that the property may be missing: it is set if a client's certificate was refused.
      const { authorizationError }: { readonly authorizationError?: unknown } = socket;
      // Node forgets the address of TLS over a connection that has closed, but not that of the connection itself.
      failed?.(authorizationError ?? error, this.#end() ?? socket);
      socket.destroy();
    });
  }

  /** Takes a certificate into use, for new connections. A client of TLS 1.2 can't ask for handshake after handshake. */
  use(certificate: SecureContextOptions): void {
    this.#server.setSecureContext({ ...certificate, secureOptions: constants.SSL_OP_NO_RENEGOTIATION });
  }

  accept(socket: Socket): void {
    this.#unfinished.add(socket);
    socket.once('close', () => this.#unfinished.delete(socket));
    // A client that ends its side would otherwise keep its connection.
    socket.allowHalfOpen = false;
    this.#below.run(socket, () => this.#server.emit('connection', socket));
  }

  /** Closes the connections whose handshake isn't over. */
  closeUnfinished(): void {
    for (const socket of this.#unfinished) socket.destroy();
  }

  /** The handshake is over whose connection this is. */
  #end(): Socket | undefined {
    const socket = this.#below.getStore();
    if (socket !== undefined) this.#unfinished.delete(socket);
    return socket;
  }
}
