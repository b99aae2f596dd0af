import type { Http2Session } from 'node:http2';

/**
 * Tells when the peer of a connection has caught up. HTTP/2 keeps the order of frames, and a peer answers a ping at once:
 * with the answer, the peer has read everything sent before the ping. The second of two pings is read a turn of the
 * peer's event loop after the first, so everything that the peer did before it read the first has arrived as well.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.7
 */
export class PingBarrier {
  readonly #session: Pick<Http2Session, 'ping'>;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(session: Pick<Http2Session, 'ping'>) {
    this.#session = session;
  }

  /** Resolves when the peer has caught up with this moment, or when the connection has ended. Calls share pings. */
  passed(): Promise<void> {
    if (this.#current === undefined) {
      this.#current = this.#pass();
      return this.#current;
    }
    // The pings on their way were sent before this moment.
    this.#next ??= this.#current.then(() => {
      this.#next = undefined;
      return this.passed();
    });
    return this.#next;
  }

  async #pass(): Promise<void> {
    await this.#ping();
    await this.#ping();
    this.#current = undefined;
  }

  #ping(): Promise<void> {
    return new Promise((resolve) => {
      try {
        this.#session.ping(() => resolve());
      } catch {
        // The connection has ended: nothing more comes from its peer.
        resolve();
      }
    });
  }
}
