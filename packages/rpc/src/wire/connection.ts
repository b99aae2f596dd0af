import { constants, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock, Share, Shares } from '@rondo/base';
import type { Peer } from './mutual-tls.js';
import { networkOf, remoteOf } from './open-connections.js';
import { PingBarrier } from './ping-barrier.js';

/** Unfinished requests count in steps, which those of most connections never take: so many are what one client may hold. */
export const STEPS = 4096;

interface ConnectionOptions {
  readonly socket: Socket;
  readonly session: ServerHttp2Session;
  /** The client, if its certificate was verified. */
  readonly client: Peer | undefined;
  /** What the unfinished requests of all clients may hold. */
  readonly unfinished: Shares;
  /** In which steps they count. */
  readonly stepBytes: number;
  readonly clock: Clock;
}

/** What the calls of one connection share. */
export class Connection {
  /** The client's address and port, as text. */
  readonly address: string;
  /** The network of its client, by which clients have turns and shares. */
  readonly network: string;
  readonly client: Peer | undefined;
  /** How many tunnels it has open. */
  tunnels = 0;
  /** What its requests hold that haven't come whole. */
  #unfinishedBytes = 0;
  readonly #share: Share;
  readonly #stepBytes: number;
  readonly #barrier: PingBarrier;

  constructor({ socket, session, client, unfinished, stepBytes, clock }: ConnectionOptions) {
    const { remoteAddress, remotePort } = socket;
    this.address = remoteAddress === undefined ? 'unknown' : `${remoteAddress}:${remotePort}`;
    this.network = networkOf(remoteOf(socket));
    this.client = client;
    this.#stepBytes = stepBytes;
    this.#share = unfinished.of(this.network, () => session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
    this.#barrier = new PingBarrier(session, clock);
  }

  /** Holds more bytes of unfinished requests, or fewer. False if its client's connections hold more than their share. */
  hold(moreBytes: number): boolean {
    this.#unfinishedBytes += moreBytes;
    const counted = this.#unfinishedBytes - (this.#unfinishedBytes % this.#stepBytes);
    return counted === this.#share.amount || this.#share.hold(counted);
  }

  /**
   * Resolves when the client has read everything sent so far, and everything that it sent before has been read here. A client that
   * doesn't answer pings isn't waited for longer than a second.
   */
  caughtUp(): Promise<void> {
    return this.#barrier.caughtUp();
  }
}
