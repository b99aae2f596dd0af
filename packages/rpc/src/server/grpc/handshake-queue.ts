import type { Socket } from 'node:net';
import { yieldToEventLoop } from '../../clock/system.js';

interface Handshake {
  readonly socket: Socket;
  readonly begin: () => void;
}

/**
 * Handshakes whose clients have begun them. One begins in each round of the event loop, the clients' addresses in turn, so
 * that the calls of others are served in between: each handshake takes about a millisecond.
 */
export class HandshakeQueue {
  /** By address, in the order of their turns. */
  readonly #waiting = new Map<string, Handshake[]>();
  #running = false;

  /** Runs `begin` when it is the socket's turn, unless it has been closed by then. At once if no other waits. */
  add(socket: Socket, begin: () => void): void {
    const { remoteAddress = 'local' } = socket;
    const handshake = { socket, begin };
    const present = this.#waiting.get(remoteAddress);
    if (present === undefined) this.#waiting.set(remoteAddress, [handshake]);
    else present.push(handshake);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      if (next.socket.destroyed) continue;
      next.begin();
      await yieldToEventLoop();
    }
    this.#running = false;
  }

  #take(): Handshake | undefined {
    for (const [address, waiting] of this.#waiting) {
      this.#waiting.delete(address);
      const next = waiting.shift();
      if (waiting.length > 0) this.#waiting.set(address, waiting);
      if (next !== undefined) return next;
    }
    return undefined;
  }
}
