import { isIPv6, type Socket } from 'node:net';

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
      const client = clientOf(remote);
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

/** The address of a connection's other end; empty if it has closed already. An IPv4 address is never mapped to IPv6. */
export function remoteOf(socket: Socket): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/**
 * What counts as one client: an IPv4 address, or the network of 64 bits of an IPv6 address. A network of that size is
 * what one subscriber gets.
 */
export function clientOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array<string>(Math.max(0, zeros)).fill('0'), ...back];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
