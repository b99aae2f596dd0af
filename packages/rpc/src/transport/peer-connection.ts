import { backoffMs, type Clock, type Random, systemClock, systemRandom, type Timer } from '@rondo/base';
import { type Logger, silentLogger } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import { transportErrors } from '../errors/transport.js';
import type { TransportError } from '../status/wire-errors.js';
import type { MutualTls } from '../tls/mutual-tls.js';
import { openFrames } from './frames/connection.js';
import { isCompressed } from './frames/requests.js';
import { checkOptions, DEFAULT_CONNECT_TIMEOUT_MS, type GrpcTransportOptions } from './grpc/options.js';
import { ForeignPeer, type Link } from './link.js';
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
export interface PeerOptions extends GrpcTransportOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger | undefined;
  /** Whether it carries compressed requests alone. */
  readonly compressed?: boolean;
}

/**
 * Creates a factory of connections with the same options: by frames to servers that take them, else by gRPC. What an endpoint
 * advertises overrides them, but never turns off TLS that is `on`.
 *
 * @throws TypeError if an option is out of bounds: at once, and not at the first connection.
 */
export function peerTransports(options: PeerOptions): TransportFactory {
  checkOptions(options);
  return (address, known) => {
    const minPingIntervalMs = known?.minPingIntervalMs ?? options.minPingIntervalMs;
    const mutualTls = encryptionOf(options.mutualTls, known);
    const frames = options.frames !== false && known?.frames === true && options.tls === undefined;
    return new PeerConnection(address, { ...options, minPingIntervalMs, mutualTls, frames, servers: known?.servers });
  };
}

/** The TLS of a connection: an endpoint without TLS is plaintext to a permissive process, and to no other. */
export function encryptionOf(mutualTls: MutualTls | undefined, known?: TransportOptions): MutualTls | undefined {
  return known?.secure === false && mutualTls?.mode !== 'on' ? undefined : mutualTls;
}

/** A connection to `address`: by gRPC, unless the options have `frames`. It connects at the first `connect`, and again when it breaks. */
export function peerTransport(address: string, options: PeerOptions = {}): Transport {
  return new PeerConnection(address, options);
}

/** How long a peer is called by gRPC that has answered otherwise than by frames. Milliseconds. */
const FOREIGN_MS = 10 * 60_000;
/** A connection that ends sooner counts as failed, for the backoff. Milliseconds. */
const SHORT_LIVED_MS = 1_000;
/** Half of each wait is certain: a server that closes its connections isn't asked for another at once. */
const BACKOFF = { baseMs: 100, maxMs: 1_000, jitter: 'equal' } as const;
/** A timer that is later than this shows that this process was busy, and may not have read what has arrived. Milliseconds. */
const BUSY_MS = 50;
/** The most connections that still carry calls. When there are so many, none is replaced. */
const MAX_LINKS = 9;
/** The wait after a failed attempt to replace a connection. Milliseconds. */
const PAUSE_MS = 1_000;

/**
 * One connection to a peer, by frames if its options say so, else by gRPC. It connects at the first `connect`, and again when it
 * breaks. A peer that answers otherwise than by frames is called by gRPC for ten minutes; calls whose contract says so always are.
 */
class PeerConnection implements Transport {
  readonly #address: string;
  readonly #options: PeerOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #connectTimeoutMs: number;
  readonly #listeners = new Set<(event: TransportEvent) => void>();
  #state: ConnectivityState = 'idle';
  #silent = false;
  #lastError: string | undefined;
  /** The attempt to connect, if one is being made. */
  #attempt: AbortController | undefined;
  /** The connection that takes calls, if there is one. */
  #link: Link | undefined;
  /** It, and those before it that still carry calls. */
  readonly #links = new Set<Link>();
  /** Ends the current attempt, or begins the next. */
  #timer: Timer | undefined;
  #readyAt = 0;
  /** How many attempts in a row have failed, or were short-lived connections. */
  #failures = 0;
  #replaceNotBefore = Number.NEGATIVE_INFINITY;
  /** Whether the peer answers otherwise than by frames. */
  #isForeign = false;
  /** Tries frames again, while such a peer is called by gRPC. */
  #foreign: Timer | undefined;
  /** Whether the peer has ended the last attempt without a word. */
  #silentEnd = false;
  /** The connections of calls that go by gRPC although the peer takes frames, and of compressed calls by gRPC. */
  readonly #asides = new Map<boolean, Transport>();

  constructor(address: string, options: PeerOptions) {
    this.#address = address;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  }

  get state(): ConnectivityState {
    return this.#state;
  }

  get lastError(): string | undefined {
    return this.#lastError;
  }

  get silent(): boolean {
    return this.#silent;
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
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
      const unsubscribe = this.subscribe((event) => {
        if (event === 'connecting' || event === 'silence') return;
        settle();
        if (event === 'ready') resolve();
        else reject(this.#failure());
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      if (this.#state === 'idle') this.#connect();
    });
  }

  readonly call: WireHandler = (wire) => {
    const link = this.#link;
    if (link === undefined) return Promise.reject(this.#failure());
    const isPlain = wire.plain !== true && (wire.compression ?? this.#options.compression) !== 'gzip';
    return isPlain || link.carries(wire) ? link.call(wire) : this.#callAside(wire);
  };

  /** Carries a call over a connection of its own kind. */
  async #callAside(wire: WireCall): ReturnType<WireHandler> {
    const compressed = isCompressed(wire, this.#options.compression);
    const aside =
      this.#asides.get(compressed) ??
      new PeerConnection(this.#address, { ...this.#options, frames: false, compressed });
    this.#asides.set(compressed, aside);
    if (aside.state !== 'ready') await aside.connect(wire.context.signal);
    return aside.call(wire);
  }

  abandon(contexts: ReadonlySet<CallContext>): void {
    for (const link of this.#links) link.abandon(contexts);
  }

  /** Ends the backoff, because there is news of the endpoint. The connection counts as failed until it is ready. */
  resetBackoff(): void {
    if (this.#state === 'transient_failure' && this.#attempt === undefined) this.#dial();
  }

  close(): void {
    this.#move('shutdown');
    this.#timer?.cancel();
    this.#foreign?.cancel();
    this.#attempt?.abort(this.#failure());
    this.#link?.close();
    this.#link = undefined;
    for (const aside of this.#asides.values()) aside.close();
  }

  #connect(): void {
    this.#move('connecting');
    if (this.#attempt === undefined) this.#dial();
  }

  #dial(): void {
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#open(attempt).then(
      (link) => this.#onReady(attempt, link),
      (fault: unknown) => this.#onFailure(attempt, fault),
    );
  }

  async #open(attempt: AbortController): Promise<Link> {
    // A process that calls no foreign server loads no gRPC library.
    const open = this.#speaksFrames ? openFrames : (await import('./grpc/link.js')).openGrpc;
    attempt.signal.throwIfAborted();
    this.#giveUpAfter(attempt, this.#connectTimeoutMs);
    return open({
      ...this.#options,
      address: this.#address,
      clock: this.#clock,
      random: this.#random,
      signal: attempt.signal,
      onSilence: (silent) => {
        this.#silent = silent;
        this.#announce('silence');
      },
      onScarceResets: () => this.#replace(),
    });
  }

  /** Gives an attempt up after `delayMs`. If this process itself was busy, the attempt gets as much time again. */
  #giveUpAfter(attempt: AbortController, delayMs: number): void {
    const dueAt = this.#clock.now() + delayMs;
    this.#wait(delayMs, () => {
      const lateMs = this.#clock.now() - dueAt;
      if (lateMs > BUSY_MS) this.#giveUpAfter(attempt, lateMs);
      else attempt.abort(new Error(`no connection within ${this.#connectTimeoutMs} ms`));
    });
  }

  #onReady(attempt: AbortController, link: Link): void {
    if (this.#attempt !== attempt || this.#state === 'shutdown') {
      link.close();
      return;
    }
    this.#attempt = undefined;
    this.#timer?.cancel();
    this.#link?.close();
    this.#link = link;
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    void link.ended.then((reason) => this.#onEnd(link, reason));
    this.#lastError = undefined;
    this.#silentEnd = false;
    if (this.#speaksFrames) this.#isForeign = false;
    this.#readyAt = this.#clock.now();
    this.#move('ready');
  }

  #onFailure(attempt: AbortController, fault: unknown): void {
    if (this.#attempt !== attempt || this.#state === 'shutdown') return;
    this.#attempt = undefined;
    this.#timer?.cancel();
    const reason = fault instanceof Error ? fault.message : String(fault);
    const isForeign = fault instanceof ForeignPeer && (!fault.silent || this.#silentEnd);
    this.#silentEnd = fault instanceof ForeignPeer;
    if (this.#link !== undefined) {
      this.#replaceNotBefore = this.#clock.now() + PAUSE_MS;
      if (this.#speaksFrames) this.#callByGrpc(reason);
    } else if (isForeign) {
      this.#callByGrpc(reason);
      this.#dial();
    } else {
      this.#failures += 1;
      this.#fail(reason);
    }
  }

  /** Reconnects at once, before a call needs it. After two short-lived connections in a row it waits first. */
  #onEnd(link: Link, reason: Error): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    if (reason instanceof ForeignPeer) this.#callByGrpc(reason.message);
    const livedMs = this.#clock.now() - this.#readyAt;
    this.#failures = livedMs < SHORT_LIVED_MS ? this.#failures + 1 : 0;
    if (this.#failures < 2) this.#connect();
    else this.#fail(`the connection ended ${Math.round(livedMs)} ms after it was made (${reason.message})`);
  }

  #fail(reason: string): void {
    this.#lastError = reason;
    this.#move('transient_failure');
    const waitMs = backoffMs(Math.max(0, this.#failures - 1), { ...BACKOFF, random: this.#random });
    if (this.#attempt === undefined) this.#wait(waitMs, () => this.#dial());
  }

  /** Calls the peer by gRPC for a time, and then until frames are ready. */
  #callByGrpc(reason: string): void {
    const { logger = silentLogger } = this.#options;
    const fields = { peer: this.#address, minutes: FOREIGN_MS / 60_000 };
    const text = `a server that is registered with frames doesn't speak them, and is called by gRPC: ${reason}`;
    if (!this.#isForeign) logger.warn(fields, text);
    this.#isForeign = true;
    const tryFrames = () => {
      this.#foreign = undefined;
      this.#replace();
    };
    this.#foreign = this.#clock.setTimer(FOREIGN_MS, tryFrames, { keepAlive: false });
  }

  get #speaksFrames(): boolean {
    return this.#options.frames === true && this.#foreign === undefined;
  }

  /** Makes another connection, which takes the place of the present one once it is ready. */
  #replace(): void {
    if (this.#attempt !== undefined || this.#link === undefined || this.#links.size >= MAX_LINKS) return;
    if (this.#clock.now() >= this.#replaceNotBefore) this.#dial();
  }

  #wait(delayMs: number, next: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(delayMs, next, { keepAlive: this.#state === 'connecting' });
  }

  /** Enters a state, and says so. A connection that was closed stays closed. */
  #move(state: ConnectivityState): void {
    if (this.#state === 'shutdown' || this.#state === state) return;
    this.#state = state;
    this.#silent = false;
    this.#announce(state);
  }

  /** The error of a call that finds no connection. */
  #failure(): TransportError {
    if (this.#state === 'shutdown') return transportErrors.CLOSED({ reach: 'unsent' });
    const whyTheLastAttemptFailed = this.#lastError ?? 'no connection';
    return transportErrors.UNCONNECTED({ whyTheLastAttemptFailed }, { reach: 'unsent' });
  }

  #announce(event: TransportEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
