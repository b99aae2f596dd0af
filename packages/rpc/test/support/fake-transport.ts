import type { Reply } from '../../src/call/index.js';
import { Metadata } from '../../src/call/index.js';
import { Status } from '../../src/status/index.js';
import {
  type ConnectivityState,
  type Transport,
  TransportError,
  type TransportFactory,
  type WireHandler,
} from '../../src/transport/index.js';

/** A reply without content. */
export const emptyReply: Reply<Uint8Array> = {
  header: new Metadata(),
  trailer: new Metadata(),
  response: { stream: false, message: new Uint8Array() },
};

/** A connection that a test moves by hand. */
export class FakeTransport implements Transport {
  state: ConnectivityState = 'idle';
  lastError: string | undefined;
  connects = 0;
  hurries = 0;
  closed = false;
  call: WireHandler = async () => emptyReply;
  readonly #byHand: boolean;
  readonly #listeners = new Set<(state: ConnectivityState) => void>();

  /** @param byHand whether it goes on connecting until the test moves it. */
  constructor(byHand = false) {
    this.#byHand = byHand;
  }

  subscribe(listener: (state: ConnectivityState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async connect(): Promise<void> {
    this.connects += 1;
    if (this.state === 'idle') this.move(this.#byHand ? 'connecting' : 'ready');
    if (this.state === 'connecting') return;
    if (this.state !== 'ready') throw new TransportError(Status.UNAVAILABLE, 'refused', { reach: 'never' });
  }

  hurry(): void {
    this.hurries += 1;
  }

  close(): void {
    this.closed = true;
    this.move('shutdown');
  }

  move(state: ConnectivityState, lastError?: string): void {
    this.state = state;
    this.lastError = lastError;
    for (const listener of [...this.#listeners]) listener(state);
  }
}

/** Transports by address, each kept for the test to move; one that is made again takes the place of the first. */
export function fakeTransports({ byHand = false } = {}) {
  const transports = new Map<string, FakeTransport>();
  const factory: TransportFactory = (address) => {
    const transport = new FakeTransport(byHand);
    transports.set(address, transport);
    return transport;
  };
  const at = (address: string): FakeTransport => {
    const transport = transports.get(address);
    if (transport === undefined) throw new Error(`nobody has made a transport to ${address}`);
    return transport;
  };
  return { factory, at };
}
