import { isIPv6, type Socket } from 'node:net';

/** How many connections a listener has open. */
export interface ConnectionLimits {
  readonly most: number;
  /** Of one IPv4 address, or of one IPv6 network of 64 bits. Clients over a socket of the file system have no addresses. */
  readonly ofOneClient: number;
  /** Whether an address is a proxy, whose connections are those of many clients: only `most` bounds them. */
  readonly isProxy?: (address: string) => boolean;
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

/** The open connections of a listener, counted before the TLS handshake. A connection beyond a limit is refused; open ones stay. */
export class OpenConnections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Set<Socket>();
  readonly #counts = new ClientCounts();
  #waiting: (() => void)[] = [];

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Counts a connection until it closes. Returns why it is refused, if there are too many. */
  admit(socket: Socket): string | undefined {
    const { most, ofOneClient, isProxy } = this.#limits;
    const remote = remoteOf(socket);
    const client = networkOf(remote);
    if (this.#open.size >= most) return `this server has ${most} connections, as many as it may`;
    const isOne = remote !== '' && isProxy?.(remote) !== true;
    if (isOne && this.#counts.of(client) >= ofOneClient) {
      return `its address has ${ofOneClient} connections, as many as it may`;
    }
    this.#open.add(socket);
    this.#counts.add(client, 1);
    socket.once('close', () => this.#release(socket, client));
    return undefined;
  }

  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Calls `listener` once no connection is open. */
  whenNone(listener: () => void): void {
    if (this.#open.size === 0) listener();
    else this.#waiting.push(listener);
  }

  #release(socket: Socket, client: string): void {
    this.#open.delete(socket);
    this.#counts.add(client, -1);
    if (this.#open.size > 0) return;
    for (const listener of this.#waiting.splice(0)) listener();
  }
}

/** The address of a connection's other end; empty if it has closed already. An IPv4 address is never mapped to IPv6. */
export function remoteOf({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  return unmapped(remoteAddress);
}

const unmapped = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '');

/**
 * What counts as one client: an IPv4 address, or the network of 64 bits of an IPv6 address. A network of that size is
 * what one subscriber gets.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const bare = unmapped(address);
  if (bare !== address) return bare;
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
