import type { Socket } from 'node:net';
import { yieldToEventLoop } from '../../clock/system.js';

/**
 * TLS handshakes that clients have begun. Each takes about a millisecond, so the server does one in each round of the event loop,
 * by client address in turn, and serves calls in between. The limit of connections bounds the queue.
 */
export class HandshakeQueue {
  /** How to begin each, by address in the order of their turns. */
  readonly #waiting = new Map<string, Map<Socket, () => void>>();
  #running = false;

  /**
   * Runs `begin` when it is the socket's turn, unless the socket has been closed by then. If no other socket waits,
   * it runs at once.
   */
  add(socket: Socket, begin: () => void): void {
    const { remoteAddress = 'local' } = socket;
    const present = this.#waiting.get(remoteAddress);
    if (present === undefined) this.#waiting.set(remoteAddress, new Map([[socket, begin]]));
    else present.set(socket, begin);
    socket.once('close', () => this.#leave(remoteAddress, socket));
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      const [socket, begin] = next;
      // Its event comes later.
      if (socket.destroyed) continue;
      begin();
      await yieldToEventLoop();
    }
    this.#running = false;
  }

  #take(): readonly [Socket, () => void] | undefined {
    for (const [address, waiting] of this.#waiting) {
      this.#waiting.delete(address);
      for (const next of waiting) {
        waiting.delete(next[0]);
        if (waiting.size > 0) this.#waiting.set(address, waiting);
        return next;
      }
    }
    return undefined;
  }

  #leave(address: string, socket: Socket): void {
    const waiting = this.#waiting.get(address);
    waiting?.delete(socket);
    if (waiting?.size === 0) this.#waiting.delete(address);
  }
}
