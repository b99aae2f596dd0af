import type { Http2SecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { type Clock, Turns } from '@rondo/base';
import { type ConnectionLimit, networkOf, remoteOf } from './connection-limit.js';
import { readFirstByte } from './first-byte.js';

/** The first byte of a TLS record that begins a handshake. Source: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const TLS_HANDSHAKE = 0x16;

interface TlsConnectionsOptions {
  readonly limit: ConnectionLimit;
  readonly clock: Clock;
}

/**
 * The connections of a server with TLS. The handshake of a connection begins with its client's first byte, when it
 * is its turn; until then OpenSSL holds no memory for it. A permissive server tells TLS from plaintext by that
 * byte, while processes change to TLS one by one.
 */
export class TlsConnections {
  readonly #limit: ConnectionLimit;
  readonly #clock: Clock;
  /** Each handshake takes about a millisecond, so one begins in each round of the event loop. The limit of connections bounds the queue. */
  readonly #handshakes = new Turns(1);
  /** Connections whose handshake hasn't begun. */
  readonly #waiting = new Set<Socket>();
  #plaintext: ReturnType<grpc.Server['createConnectionInjector']> | undefined;

  constructor({ limit, clock }: TlsConnectionsOptions) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** From now on, `server` serves clients without TLS, too. */
  permitPlaintext(server: grpc.Server): void {
    this.#plaintext = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  }

  /** Guards a server that has the listeners of Node alone. */
  guard(http2Server: Http2SecureServer): void {
    this.#limit.guard(http2Server, (socket, secure) => {
      // It may break while it waits.
      socket.on('error', ignore).once('close', () => this.#waiting.delete(socket));
      this.#waiting.add(socket);
      const begin = (first: number) => {
        this.#waiting.delete(socket);
        if (first === TLS_HANDSHAKE || this.#plaintext === undefined) secure();
        else this.#plaintext.injectConnection(socket);
      };
      readFirstByte(socket, this.#clock, (first) => {
        const inTurn = () => socket.destroyed || begin(first);
        socket.once('close', this.#handshakes.run(networkOf(remoteOf(socket)), inTurn));
      });
    });
  }

  /** Closes the connections whose handshake hasn't begun. */
  closeWaiting(): void {
    for (const socket of this.#waiting) socket.destroy();
  }
}

function ignore(): void {}
