import type { Reply } from '../../src/call/call.js';
import { Metadata } from '../../src/exports/call.js';
import { Status } from '../../src/exports/status.js';
import { TransportError } from '../../src/status/wire-errors.js';
import type { ConnectivityState, Transport, TransportFactory, WireHandler } from '../../src/transport/transport.js';

/** A unary reply with an empty message. */
export const emptyReply: Reply<Uint8Array> = {
  header: new Metadata(),
  trailer: new Metadata(),
  response: { stream: false, message: new Uint8Array() },
};

/** A transport whose connectivity state the test sets with `move`. */
export class FakeTransport implements Transport {
  state: ConnectivityState = 'idle';
  lastError: string | undefined;
  connects = 0;
  hurries = 0;
  closed = false;
  call: WireHandler = async () => emptyReply;
  readonly #byHand: boolean;
  readonly #listeners = new Set<(state: ConnectivityState) => void>();

  /** @param byHand whether `connect` stops in `connecting` until the test moves the transport. Otherwise it gets ready at once. */
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

  resetBackoff(): void {
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

/** A factory of fake transports. `at` returns the last one to an address, which a test may prepare before it is used. */
export function fakeTransports({ byHand = false } = {}) {
  const transports = new Map<string, FakeTransport>();
  const prepared = new Set<FakeTransport>();
  const make = (address: string) => {
    const transport = new FakeTransport(byHand);
    transports.set(address, transport);
    return transport;
  };
  const factory: TransportFactory = (address) => {
    const transport = transports.get(address);
    return transport !== undefined && prepared.delete(transport) ? transport : make(address);
  };
  const at = (address: string): FakeTransport => {
    const known = transports.get(address);
    if (known !== undefined) return known;
    const transport = make(address);
    prepared.add(transport);
    return transport;
  };
  return { factory, at };
}
