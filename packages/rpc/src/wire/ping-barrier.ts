import type { Http2Session } from 'node:http2';
import type { Clock } from '@rondo/base';

/** The longest wait of {@link PingBarrier.caughtUp}. Milliseconds. */
const MAX_CATCH_UP_MS = 1_000;

/**
 * Waits until the peer of a connection has caught up. HTTP/2 keeps the order of frames, and a peer answers a ping at
 * once, so its answer shows that it has read everything sent before the ping. It reads the second of two pings one turn
 * of its event loop after the first, so everything that it did before it read the first has arrived as well.
 *
 * Source: https://www.rfc-editor.org/rfc/rfc9113#section-6.7
 */
export class PingBarrier {
  readonly #session: Pick<Http2Session, 'ping'>;
  readonly #clock: Clock;
  #current: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(session: Pick<Http2Session, 'ping'>, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
  }

  /** Resolves as {@link PingBarrier.passed} does. A peer that doesn't answer pings isn't waited for longer than a second. */
  caughtUp(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(MAX_CATCH_UP_MS, resolve, { keepAlive: false });
      void this.passed().then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /**
   * Resolves when the peer has caught up with this moment, or when the connection has ended. Concurrent calls share
   * pings.
   */
  passed(): Promise<void> {
    if (this.#current === undefined) {
      this.#current = this.#pass();
      return this.#current;
    }
    // The current pings were sent before this moment, so they prove nothing for it.
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
        // The connection has ended, so nothing more comes from the peer.
        resolve();
      }
    });
  }
}
