import { constants, type Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { type Share, Shares } from '@rondo/base';
import { networkOf, remoteOf } from './connection-limit.js';

/** Unfinished requests count in steps, which those of most connections never take: so many are what one client may hold. */
const STEPS = 4096;

/** What the calls of one connection share. */
export class Connection {
  readonly address: string;
  /** The network of its client, by which clients have turns and shares. */
  readonly network: string;
  /** What its requests hold that haven't come whole. */
  #unfinishedBytes = 0;
  readonly #share: Share;
  readonly #stepBytes: number;

  /** @param unfinished what the unfinished requests of all clients may hold. */
  constructor(session: Http2Session, unfinished: Shares, stepBytes: number) {
    this.#stepBytes = stepBytes;
    // Node's types lack that a session has no socket once it is destroyed.
    const socket: Socket | undefined = session.socket;
    this.address = socket?.remoteAddress === undefined ? 'unknown' : `${socket.remoteAddress}:${socket.remotePort}`;
    this.network = socket === undefined ? '' : networkOf(remoteOf(socket));
    this.#share = unfinished.of(this.network, () => session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  }

  /** Holds more bytes of unfinished requests, or fewer. False if its client's connections hold more than their share. */
  hold(moreBytes: number): boolean {
    this.#unfinishedBytes += moreBytes;
    const counted = this.#unfinishedBytes - (this.#unfinishedBytes % this.#stepBytes);
    return counted === this.#share.amount || this.#share.hold(counted);
  }
}

export class Connections {
  readonly #connections = new WeakMap<Http2Session, Connection>();
  readonly #unfinished: Shares;
  readonly #stepBytes: number;

  /** @param maxUnfinishedBytes what the unfinished requests of one client may hold: of all clients, twice as much. */
  constructor(maxUnfinishedBytes: number) {
    this.#stepBytes = Math.ceil(maxUnfinishedBytes / STEPS);
    this.#unfinished = new Shares(2 * maxUnfinishedBytes);
  }

  /** To read its address costs more than all else of a call here, so it is kept. */
  of(session: Http2Session): Connection {
    let connection = this.#connections.get(session);
    if (connection === undefined) {
      connection = new Connection(session, this.#unfinished, this.#stepBytes);
      this.#connections.set(session, connection);
    }
    return connection;
  }
}
