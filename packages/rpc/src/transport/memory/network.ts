import { transportErrors } from '../../errors/transport.js';
import type { ConnectivityState, Transport, TransportFactory, WireHandler } from '../transport.js';
import { crossMemory, MemoryConnection } from './cross.js';

/** A listener in a memory network. */
export interface MemoryListener {
  /** Stops as a killed process does: connections break and calls in flight fail. */
  close(): void;
}

/** A network inside one process. It has the interface of the real one, but no sockets and no delays. */
export interface MemoryNetwork {
  /** Serves `handler` at `address`. Transports whose connection there had failed become ready. */
  listen(address: string, handler: { readonly handle: WireHandler }): MemoryListener;
  /** Creates transports to its addresses. */
  readonly transport: TransportFactory;
}

/** Options of {@link createMemoryNetwork}. */
interface MemoryNetworkOptions {
  /** The SPIFFE id of every client, as if its certificate had been verified; none by default. */
  readonly identity?: string | undefined;
}

/** Creates a network without listeners. */
export function createMemoryNetwork({ identity }: MemoryNetworkOptions = {}): MemoryNetwork {
  const handlers = new Map<string, WireHandler>();
  const transports = new Set<MemoryTransport>();
  return {
    listen(address, { handle }) {
      handlers.set(address, handle);
      for (const transport of transports) if (transport.address === address) transport.reconnect();
      return {
        close() {
          if (handlers.get(address) !== handle) return;
          handlers.delete(address);
          for (const transport of transports) if (transport.address === address) transport.break();
        },
      };
    },
    transport: (address) => {
      const transport = new MemoryTransport(address, {
        find: () => handlers.get(address),
        identity,
        forget: () => transports.delete(transport),
      });
      transports.add(transport);
      return transport;
    },
  };
}

interface MemoryTransportOptions {
  readonly find: () => WireHandler | undefined;
  readonly identity: string | undefined;
  readonly forget: () => void;
}

class MemoryTransport implements Transport {
  readonly address: string;
  readonly #options: MemoryTransportOptions;
  readonly #listeners = new Set<(state: ConnectivityState) => void>();
  #state: ConnectivityState = 'idle';
  #connection = new MemoryConnection();

  constructor(address: string, options: MemoryTransportOptions) {
    this.address = address;
    this.#options = options;
  }

  get state(): ConnectivityState {
    return this.#state;
  }

  get lastError(): string | undefined {
    return this.#state === 'transient_failure' ? 'nothing listens there' : undefined;
  }

  subscribe(listener: (state: ConnectivityState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async connect(): Promise<void> {
    if (this.#state !== 'ready') this.#move(this.#options.find() === undefined ? 'transient_failure' : 'ready');
    if (this.#state !== 'ready') throw transportErrors.NOTHING_LISTENS({ reach: 'unsent' });
  }

  readonly call: WireHandler = (wire) => {
    const handle = this.#options.find();
    if (handle === undefined || this.#state !== 'ready')
      return Promise.reject(transportErrors.NOTHING_LISTENS({ reach: 'unsent' }));
    const { identity } = this.#options;
    return crossMemory(identity === undefined ? wire : { ...wire, identity }, handle, this.#connection);
  };

  reconnect(): void {
    if (this.#state === 'transient_failure') this.#move('ready');
  }

  break(): void {
    if (this.#state !== 'ready') return;
    this.#move('transient_failure');
    const broken = this.#connection;
    this.#connection = new MemoryConnection();
    broken.break(transportErrors.BROKEN_BY_TEST({ reach: 'unknown' }));
  }

  close(): void {
    this.#move('shutdown');
    this.#options.forget();
  }

  #move(state: ConnectivityState): void {
    if (this.#state === 'shutdown' || this.#state === state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}
