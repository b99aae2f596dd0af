import type { Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { networkOf, remoteOf } from '../network.js';

/** What the calls of one connection share. */
export interface Connection {
  readonly address: string;
  /** The client's network, by which clients have their turns. */
  readonly network: string;
  /** What its requests hold that haven't come whole. */
  unfinishedBytes: number;
}

export class Connections {
  readonly #connections = new WeakMap<Http2Session, Connection>();

  /** To read its address costs more than all else of a call here, so it is kept. */
  of(session: Http2Session): Connection {
    let connection = this.#connections.get(session);
    if (connection === undefined) {
      // Node's types lack that a session has no socket once it is destroyed.
      const socket: Socket | undefined = session.socket;
      const address = socket?.remoteAddress === undefined ? 'unknown' : `${socket.remoteAddress}:${socket.remotePort}`;
      connection = { address, network: socket === undefined ? '' : networkOf(remoteOf(socket)), unfinishedBytes: 0 };
      this.#connections.set(session, connection);
    }
    return connection;
  }
}
