import type { Socket } from 'node:net';
import { networkOf, remoteOf } from '@rondo/rpc/internal';

/** The open connections of a listener. */
export interface Connections {
  readonly open: ReadonlySet<Socket>;
  /** Counts a connection until it closes; false if there are too many already. */
  admit(socket: Socket): boolean;
  /** Calls `listener` once no connection is open. */
  whenNone(listener: () => void): void;
}

export interface ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerClient: number;
}

/** How much each client has open. */
export class ClientCounts {
  readonly #counts = new Map<string, number>();

  of(client: string): number {
    return this.#counts.get(client) ?? 0;
  }

  add(client: string, more: 1 | -1): void {
    const count = this.of(client) + more;
    if (count === 0) this.#counts.delete(client);
    else this.#counts.set(client, count);
  }
}

/** @param isProxy whether an address is a proxy, whose connections are those of many clients. */
export function createConnections(
  limits: ConnectionLimits,
  isProxy: (address: string) => boolean = () => false,
): Connections {
  const open = new Set<Socket>();
  const counts = new ClientCounts();
  let waiting: (() => void)[] = [];
  const release = (socket: Socket, client: string) => {
    open.delete(socket);
    counts.add(client, -1);
    if (open.size > 0) return;
    for (const listener of waiting.splice(0)) listener();
  };
  return {
    open,
    admit(socket) {
      const remote = remoteOf(socket);
      const client = networkOf(remote);
      if (open.size >= limits.connections) return false;
      if (counts.of(client) >= limits.connectionsPerClient && !isProxy(remote)) return false;
      open.add(socket);
      counts.add(client, 1);
      socket.once('close', () => release(socket, client));
      return true;
    },
    whenNone(listener) {
      if (open.size === 0) listener();
      else waiting = [...waiting, listener];
    },
  };
}
