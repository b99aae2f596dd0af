import type { Http2SecureServer, Http2Server, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Logger } from '../../call/call.js';
import type { Clock } from '../../clock/clock.js';
import { readFirstByte } from './first-byte.js';
import { HandshakeLog } from './handshake-log.js';
import { HandshakeQueue } from './handshake-queue.js';
import { SETTINGS_MS } from './limits.js';
import { isSecure } from './mutual-tls.js';

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
 * Bounds the open connections of a server, before their TLS handshake: of all clients, and of one address. A client beyond that
 * is refused with a line in the log, and those that are connected go on. What a TLS handshake needs is made when the client begins
 * it: a connection that is only opened is a socket, without any of OpenSSL.
 */
export class ConnectionLimit {
  readonly #options: ConnectionLimitOptions;
  readonly #log: HandshakeLog;
  readonly #byAddress = new Map<string, number>();
  readonly #admitted = new WeakSet<Socket>();
  readonly #handshakes = new HandshakeQueue();
  #open = 0;

  constructor(options: ConnectionLimitOptions) {
    this.#options = options;
    this.#log = new HandshakeLog(options.logger, options.clock);
  }

  /** How many connections were refused. */
  get refused(): number {
    return this.#log.count;
  }

  /** Guards a server that has the listeners of Node alone. Several servers share the limit. */
  guard(http2Server: Http2Server | Http2SecureServer): void {
    const listeners = http2Server.listeners('connection');
    http2Server.removeAllListeners('connection');
    const serve = (socket: Socket) => {
      for (const listener of listeners) Reflect.apply(listener, http2Server, [socket]);
    };
    const serveSecurely = (socket: Socket) => {
      // It may break while it waits.
      socket.on('error', ignore);
      readFirstByte(socket, this.#options.clock, (first) => {
        if (first !== undefined) this.#handshakes.add(socket, () => serve(socket));
      });
    };
    const begin = isSecure(http2Server) ? serveSecurely : serve;
    http2Server.on('connection', (socket: Socket) => {
      if (this.admit(socket)) begin(socket);
    });
    http2Server.on('session', (session: ServerHttp2Session) => this.#awaitSettings(session));
  }

  /** Counts a connection until it closes. Returns false, and closes it, if there are too many. */
  admit(socket: Socket): boolean {
    if (this.#admitted.has(socket)) return true;
    if (this.#hasRoom(socket)) {
      this.#admitted.add(socket);
      return true;
    }
    socket.destroy();
    return false;
  }

  /** HTTP/2 begins with the settings of both. A client that trickles them, or sends none, is cut. */
  #awaitSettings(session: ServerHttp2Session): void {
    const timer = this.#options.clock.setTimer(SETTINGS_MS, () => session.destroy(), { keepAlive: false });
    const cancel = () => timer.cancel();
    session.once('remoteSettings', cancel).once('close', cancel);
  }

  #hasRoom(socket: Socket): boolean {
    const { maxConnections, maxConnectionsPerAddress } = this.#options;
    const { remoteAddress: address = 'local' } = socket;
    const count = this.#byAddress.get(address) ?? 0;
    if (this.#open >= maxConnections) return this.#refuse(socket, `this server has ${maxConnections} connections`);
    // Clients over a socket of the file system have no addresses.
    if (count >= maxConnectionsPerAddress && socket.remoteAddress !== undefined) {
      return this.#refuse(socket, `its address has ${maxConnectionsPerAddress} connections`);
    }
    this.#open += 1;
    this.#byAddress.set(address, count + 1);
    socket.once('close', () => this.#release(address));
    return true;
  }

  #refuse(socket: Socket, fault: string): false {
    this.#log.refused(socket, `${fault}, as many as it may`);
    return false;
  }

  #release(address: string): void {
    this.#open -= 1;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}

function ignore(): void {}
