import * as grpc from '@grpc/grpc-js';
import { type Clock, systemClock, type Timer } from '../../clock/index.js';
import { Status } from '../../status/index.js';
import { type ConnectivityState, type Transport, TransportError, type WireHandler } from '../transport.js';
import { carry } from './call.js';
import { channelOptions, type GrpcTransportOptions } from './options.js';
import { ResetPacer } from './reset-pacer.js';

/** Half of the shortest deadlines, so that a call which finds one instance mute still gets to another. */
const DEFAULT_CONNECT_TIMEOUT_MS = 1_000;

/** One HTTP/2 connection to `address`, by grpc-js. It connects when it is first told to, and again when it breaks. */
export function grpcTransport(address: string, options: GrpcTransportOptions & { clock?: Clock } = {}): Transport {
  return new GrpcTransport(address, options);
}

class GrpcTransport implements Transport {
  readonly #channel: grpc.Channel;
  readonly #clock: Clock;
  readonly #resets: ResetPacer;
  readonly #connectTimeoutMs: number;
  readonly #listeners = new Set<(state: ConnectivityState) => void>();
  #connectTimer: Timer | undefined;
  #state: ConnectivityState = 'idle';
  #lastError: string | undefined;

  constructor(address: string, options: GrpcTransportOptions & { clock?: Clock }) {
    this.#clock = options.clock ?? systemClock;
    this.#resets = new ResetPacer(this.#clock);
    this.#connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    this.#channel = new grpc.Channel(address, grpc.credentials.createInsecure(), channelOptions(options));
    this.#follow();
  }

  get state(): ConnectivityState {
    return this.#state;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  subscribe(listener: (state: ConnectivityState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connect(signal?: AbortSignal): Promise<void> {
    if (this.#state === 'ready') return Promise.resolve();
    if (this.#state === 'transient_failure' || this.#state === 'shutdown') return Promise.reject(this.#failure());
    return new Promise((resolve, reject) => {
      const settle = () => {
        unsubscribe();
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        settle();
        reject(signal?.reason);
      };
      const unsubscribe = this.subscribe((state) => {
        if (state === 'connecting' || state === 'idle') return;
        settle();
        if (state === 'ready') resolve();
        else reject(this.#failure());
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#connect();
    });
  }

  readonly call: WireHandler = (wire) =>
    carry(wire, {
      channel: this.#channel,
      clock: this.#clock,
      resets: this.#resets,
      connected: () => this.#state === 'ready',
    });

  close(): void {
    this.#move('shutdown');
    this.#channel.close();
  }

  /** Follows grpc-js's state until the transport is closed. */
  #follow(): void {
    const state = this.#channel.getConnectivityState(false);
    this.#channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => {
      if (error !== undefined || this.#state === 'shutdown') return;
      this.#follow();
      this.#onChange(this.#channel.getConnectivityState(false));
    });
  }

  #onChange(state: grpc.connectivityState): void {
    if (state === grpc.connectivityState.READY) {
      this.#lastError = undefined;
      this.#move('ready');
    } else if (state === grpc.connectivityState.TRANSIENT_FAILURE) {
      this.#askWhy();
    } else if (state === grpc.connectivityState.IDLE) {
      // It was connected: connect again at once, before a call needs it.
      this.#connect();
    }
  }

  #connect(): void {
    this.#move('connecting');
    this.#channel.getConnectivityState(true);
  }

  /** grpc-js tells why it can't connect to nobody but a call. */
  #askWhy(): void {
    const call = this.#channel.createCall('/', Number.POSITIVE_INFINITY, null, null, null);
    call.start(new grpc.Metadata(), {
      onReceiveMetadata() {},
      onReceiveMessage() {},
      onReceiveStatus: ({ details }) => {
        const reason = /Last error: (?:Error: )?(.*?)\. Resolution note/.exec(details)?.[1] ?? details;
        if (this.#state !== 'ready') this.#fail(reason);
      },
    });
    call.halfClose();
  }

  #fail(reason: string): void {
    this.#lastError = reason;
    this.#move('transient_failure');
  }

  #move(state: ConnectivityState): void {
    if (this.#state === 'shutdown' || this.#state === state) return;
    this.#state = state;
    this.#connectTimer?.cancel();
    if (state === 'connecting') {
      const timeoutMs = this.#connectTimeoutMs;
      this.#connectTimer = this.#clock.setTimer(timeoutMs, () => this.#fail(`no connection within ${timeoutMs} ms`));
    }
    for (const listener of [...this.#listeners]) listener(state);
  }

  #failure(): TransportError {
    const reason = this.#state === 'shutdown' ? 'the connection was closed' : (this.#lastError ?? 'no connection');
    return new TransportError(Status.UNAVAILABLE, reason, { reach: 'never' });
  }
}
