import type { Clock, Random } from '@rondo/rpc/clock';
import { Connection, ExpiredSession, NO_SESSION, type SessionKey } from './connection.js';

/** Options of {@link Session}. */
export interface SessionOptions {
  /** `host:port` of each server of the ensemble. */
  readonly servers: readonly string[];
  /** How long it lasts without a connection. Milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * The session of this process. A connection that has broken is made again for the next request, at the next server; the session goes
 * on unless it has expired.
 */
export class Session {
  readonly #options: SessionOptions;
  #key: SessionKey = NO_SESSION;
  #next: number;
  #opening: Promise<Connection> | undefined;
  #current: Connection | undefined;
  readonly #closing = new AbortController();

  constructor(options: SessionOptions) {
    this.#options = options;
    // Processes begin at different servers, which spreads the load.
    this.#next = Math.floor(options.random.next() * options.servers.length);
  }

  /** The connection of now, or a new one. @throws Error if no server can be reached. */
  connection(): Promise<Connection> {
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#current?.end();
  }

  async #open(): Promise<Connection> {
    const failures: string[] = [];
    for (const _ of this.#options.servers) {
      this.#closing.signal.throwIfAborted();
      try {
        return await this.#openNext();
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
    throw new Error(failures.join('; '));
  }

  async #openNext(): Promise<Connection> {
    const { servers, timeoutMs, clock } = this.#options;
    const server = servers[this.#next % servers.length] ?? '';
    this.#next += 1;
    const { signal } = this.#closing;
    const open = (session: SessionKey) => Connection.open({ server, session, timeoutMs, clock, signal });
    const connection = await open(this.#key).catch((error: unknown) => {
      if (!(error instanceof ExpiredSession)) throw error;
      return open(NO_SESSION);
    });
    this.#key = connection.session;
    this.#current = connection;
    void connection.closed.then(() => {
      this.#current = undefined;
      this.#next -= 1; // the server that was used is the first to try
    });
    return connection;
  }
}
