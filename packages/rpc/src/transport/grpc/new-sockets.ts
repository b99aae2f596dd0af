import type { Socket } from 'node:net';
import type { Clock, Timer } from '@rondo/base';

/** Options of {@link NewSockets}. */
interface NewSocketsOptions {
  readonly clock: Clock;
  /** How long the peer has to send something. Milliseconds. */
  readonly timeoutMs: number;
}

/** Sockets whose peer has accepted the connection and has sent nothing yet. */
export class NewSockets {
  readonly #options: NewSocketsOptions;
  readonly #timers = new Map<Socket, Timer>();
  /** Whether the last socket was destroyed here because nothing was received on it in time. */
  timedOut = false;

  constructor(options: NewSocketsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#timers.size;
  }

  /** Adds a socket. It is destroyed unless {@link clear} comes in time. `keepAlive` keeps the process alive until then. */
  add(socket: Socket, keepAlive: boolean): void {
    const { clock, timeoutMs } = this.#options;
    const onTimeout = () => {
      this.timedOut = true;
      socket.destroy();
    };
    const timer = clock.setTimer(timeoutMs, onTimeout, { keepAlive });
    this.timedOut = false;
    this.#timers.set(socket, timer);
    socket.once('close', () => {
      timer.cancel();
      this.#timers.delete(socket);
    });
  }

  /** Forgets the sockets, and returns them: the connection is made. */
  clear(): readonly Socket[] {
    const sockets = [...this.#timers.keys()];
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    return sockets;
  }

  /** Destroys them all: nothing was received in time. */
  destroy(): void {
    this.timedOut = true;
    for (const socket of this.#timers.keys()) socket.destroy();
  }
}
