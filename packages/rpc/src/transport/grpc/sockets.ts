import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { Socket } from 'node:net';

const opening = new AsyncLocalStorage<ClientSockets>();

subscribe('net.client.socket', (opened) => {
  const isOfSocket = typeof opened === 'object' && opened !== null && 'socket' in opened;
  if (isOfSocket && opened.socket instanceof Socket) opening.getStore()?.add(opened.socket);
});

/** The sockets of one connection: a name may have several addresses, of which the fastest is taken. */
export class ClientSockets {
  readonly #sockets = new Set<Socket>();
  #destroyed = false;

  /**
   * Collects the sockets that `begin`, and what follows from it, opens. grpc-js waits without end for a server that accepts
   * connections and never sends anything, and then leaves the socket open: {@link destroy} doesn't.
   */
  constructor(begin: () => void) {
    opening.run(this, begin);
  }

  get bytesRead(): number {
    let sum = 0;
    for (const { bytesRead } of this.#sockets) sum += bytesRead;
    return sum;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    // At times grpc-js listens to no errors: an attempt that it has given up would end the process.
    socket.on('error', () => undefined);
    // The others were destroyed. This one is about to connect, which would undo that.
    if (this.#destroyed) queueMicrotask(() => socket.destroy());
  }

  destroy(): void {
    this.#destroyed = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}
