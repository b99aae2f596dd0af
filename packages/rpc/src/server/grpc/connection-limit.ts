import type { Http2SecureServer, Http2Server } from 'node:http2';
import { isIPv6, type Socket } from 'node:net';
import type { Clock } from '@rondo/base';
import type { Logger } from '../../call/call.js';
import { HandshakeLog } from './handshake-log.js';

/** How many connections a server has open. */
interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

interface ConnectionLimitOptions extends ConnectionLimits {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Bounds the open connections of a server, in all and for each client address, before the TLS handshake. A
 * connection beyond a bound is refused and logged; open connections stay.
 */
export class ConnectionLimit {
  readonly #options: ConnectionLimits;
  readonly #log: HandshakeLog;
  readonly #open = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();

  constructor(options: ConnectionLimitOptions) {
    this.#options = options;
    this.#log = new HandshakeLog(options.logger, options.clock);
  }

  /** How many connections were refused. */
  get refused(): number {
    return this.#log.count;
  }

  /**
   * Guards a server that has no listeners but Node's own. `accept` gets each connection within the bounds, with
   * Node's listener for it. Several servers may share the limit.
   */
  guard(http2Server: Http2Server | Http2SecureServer, accept: (socket: Socket, serve: () => void) => void): void {
    const listeners = http2Server.listeners('connection');
    http2Server.removeAllListeners('connection');
    http2Server.on('connection', (socket: Socket) => {
      if (!this.#hasRoom(socket)) {
        socket.destroy();
        return;
      }
      accept(socket, () => {
        for (const listener of listeners) Reflect.apply(listener, http2Server, [socket]);
      });
    });
  }

  /** Closes every connection. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Counts a connection until it closes, unless there are too many. */
  #hasRoom(socket: Socket): boolean {
    const { maxConnections, maxConnectionsPerAddress } = this.#options;
    const address = networkOf(remoteOf(socket));
    const count = this.#byAddress.get(address) ?? 0;
    if (this.#open.size >= maxConnections) return this.#refuse(socket, `this server has ${maxConnections} connections`);
    // Clients over a socket of the file system have no addresses.
    if (count >= maxConnectionsPerAddress && socket.remoteAddress !== undefined) {
      return this.#refuse(socket, `its address has ${maxConnectionsPerAddress} connections`);
    }
    this.#open.add(socket);
    this.#byAddress.set(address, count + 1);
    socket.once('close', () => this.#release(socket, address));
    return true;
  }

  #refuse(socket: Socket, fault: string): false {
    this.#log.refused(socket, `${fault}, as many as it may`);
    return false;
  }

  #release(socket: Socket, address: string): void {
    this.#open.delete(socket);
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
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
