import { type Clock, type Random, systemClock, type Timer } from '@rondo/base';
import { type Logger, silentLogger } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import { transportErrors } from '../errors/transport.js';
import type { MutualTls } from '../tls/mutual-tls.js';
import { FramesConnection } from './frames/connection.js';
import { channelCredentials } from './grpc/credentials.js';
import { checkOptions, type GrpcTransportOptions } from './grpc/options.js';
import { grpcTransport } from './grpc/transport.js';
import type {
  ConnectivityState,
  Transport,
  TransportEvent,
  TransportFactory,
  TransportOptions,
  WireCall,
  WireHandler,
} from './transport.js';

/** The settings that all connections of a factory share. */
export interface PeerTransportsOptions extends GrpcTransportOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger | undefined;
}

/**
 * Creates a factory of connections with the same options: by frames to servers that take them, else by gRPC. What an endpoint
 * advertises overrides them, but never turns off TLS that is `on`.
 *
 * @throws TypeError if an option is out of bounds: at once, and not at the first connection.
 */
export function peerTransports(options: PeerTransportsOptions): TransportFactory {
  checkOptions(options);
  channelCredentials(options.tls);
  return (address, known) => {
    const minPingIntervalMs = known?.minPingIntervalMs ?? options.minPingIntervalMs;
    const mutualTls = encryptionOf(options.mutualTls, known);
    const ofPeer = { ...options, minPingIntervalMs, mutualTls, servers: known?.servers };
    const speaksFrames = options.frames !== false && known?.frames === true && options.tls === undefined;
    return speaksFrames ? new PeerTransport(address, ofPeer) : grpcTransport(address, ofPeer);
  };
}

/** The TLS of a connection: an endpoint without TLS is plaintext to a permissive process, and to no other. */
export function encryptionOf(mutualTls: MutualTls | undefined, known?: TransportOptions): MutualTls | undefined {
  return known?.secure === false && mutualTls?.mode !== 'on' ? undefined : mutualTls;
}

/** How long a peer is called by gRPC that has answered otherwise than by frames. Milliseconds. */
const FOREIGN_MS = 10 * 60_000;

/**
 * Carries calls by frames. A peer that answers otherwise, such as an old process or a proxy, is called by gRPC for ten minutes;
 * calls whose contract says so always are.
 */
class PeerTransport implements Transport {
  readonly #address: string;
  readonly #options: PeerTransportsOptions;
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  #current: Transport;
  #unfollow: () => void;
  /** Tries frames again, while the peer is called by gRPC. */
  #retry: Timer | undefined;
  /** Frames that are tried again. */
  #next: Transport | undefined;
  /** The connection by gRPC, once there is one. */
  #grpc: Transport | undefined;

  constructor(address: string, options: PeerTransportsOptions) {
    this.#address = address;
    this.#options = options;
    this.#current = this.#openFrames();
    this.#unfollow = this.#follow();
  }

  get state(): ConnectivityState {
    return this.#current.state;
  }

  get lastError(): string | undefined {
    return this.#current.lastError;
  }

  get silent(): boolean {
    return this.#current.silent ?? false;
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async connect(signal?: AbortSignal): Promise<void> {
    const attempted = this.#current;
    try {
      await attempted.connect(signal);
    } catch (error) {
      if (attempted === this.#current) throw error;
      await this.connect(signal);
    }
  }

  readonly call: WireHandler = (wire) => (wire.plain === true ? this.#callByGrpc(wire) : this.#current.call(wire));

  async #callByGrpc(wire: WireCall): ReturnType<WireHandler> {
    if (this.state === 'shutdown') throw transportErrors.CLOSED({ reach: 'unsent' });
    const grpc = this.#openGrpc();
    if (grpc.state !== 'ready') await grpc.connect(wire.context.signal);
    return grpc.call(wire);
  }

  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#current.abandon?.(contexts);
    if (this.#grpc !== this.#current) this.#grpc?.abandon?.(contexts);
  }

  resetBackoff(): void {
    this.#current.resetBackoff?.();
  }

  close(): void {
    this.#retry?.cancel();
    this.#next?.close();
    this.#current.close();
    this.#grpc?.close();
  }

  #openFrames(): Transport {
    const frames: Transport = new FramesConnection(this.#address, {
      ...this.#options,
      onForeign: (reason) => {
        if (frames === this.#current) this.#callForeign(reason);
        else frames.close();
      },
    });
    return frames;
  }

  #openGrpc(): Transport {
    this.#grpc ??= grpcTransport(this.#address, this.#options);
    return this.#grpc;
  }

  #callForeign(reason: string): void {
    const { logger = silentLogger } = this.#options;
    const fields = { peer: this.#address, minutes: FOREIGN_MS / 60_000 };
    logger.warn(fields, `a server that is registered with frames doesn't speak them, and is called by gRPC: ${reason}`);
    this.#use(this.#openGrpc());
    this.#retryLater();
  }

  /** Tries frames again after a time. The peer is called by gRPC until they are ready. */
  #retryLater(): void {
    const { clock = systemClock } = this.#options;
    const retry = () => {
      const frames = this.#openFrames();
      this.#next = frames;
      frames.connect().then(
        () => this.#use(frames),
        () => {
          frames.close();
          if (this.state !== 'shutdown') this.#retryLater();
        },
      );
    };
    this.#retry = clock.setTimer(FOREIGN_MS, retry, { keepAlive: false });
  }

  #use(transport: Transport): void {
    const before = this.#current;
    this.#unfollow();
    this.#current = transport;
    this.#unfollow = this.#follow();
    if (before !== this.#grpc) before.close();
    if (transport.state === 'idle') transport.connect().catch(() => undefined);
    else this.#announce(transport.state);
  }

  #follow(): () => void {
    return this.#current.subscribe((event) => this.#announce(event));
  }

  #announce(event: TransportEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
