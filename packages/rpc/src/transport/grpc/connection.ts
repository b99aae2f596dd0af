import type { Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { backoffMs, type Clock, type Random, systemClock, systemRandom, type Timer } from '../../clock/index.js';
import { Status } from '../../status/index.js';
import { type ConnectivityState, type Transport, TransportError, type WireHandler } from '../transport.js';
import { carry } from './call.js';
import { channelCredentials, observeSockets } from './credentials.js';
import { keepAlive } from './keepalive.js';
import { channelOptions, type GrpcTransportOptions, PEER_PING_TIMEOUT_MS, peerPingIntervalMs } from './options.js';
import { ResetPacer } from './reset-pacer.js';

/** Half of the shortest deadlines, so that a call which finds one instance mute still gets to another. */
const DEFAULT_CONNECT_TIMEOUT_MS = 1_000;

/** A connection that ends sooner is one that failed, as far as the wait before the next is concerned. */
const SHORT_LIVED_MS = 1_000;
/** Half of each wait is certain: a server that closes its connections isn't asked for another at once. */
const BACKOFF = { baseMs: 100, maxMs: 1_000, jitter: 'equal' } as const;

/** An attempt to connect that nobody answers is given up for a new one, after waits that double up to this. */
const MAX_RENEWAL_MS = 8_000;

/** By then a call that was made over a connection that stands has begun. Milliseconds. */
const BEGUN_MS = 100;

/** A timer that comes later shows that this process had no time for what else has come. Milliseconds. */
const BUSY_MS = 50;

/** Why a connection that was closed can't be used. */
export const CLOSED = 'the connection was closed';

/** What a connection is made with. */
export interface ConnectionOptions extends GrpcTransportOptions {
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Told of each reset that this connection bears few more of, or none for now. */
  readonly onScarceResets?: (() => void) | undefined;
}

/** One HTTP/2 connection to `address`, by grpc-js. It connects when it is first told to, and again when it breaks. */
export class GrpcConnection implements Transport {
  readonly #address: string;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #resets: ResetPacer;
  readonly #connectTimeoutMs: number;
  readonly #listeners = new Set<(state: ConnectivityState) => void>();
  #channel: grpc.Channel;
  #state: ConnectivityState = 'idle';
  /** Whether the last socket was hung up on because nothing was heard over it. */
  #gaveUp = false;
  #lastError: string | undefined;
  /** For an attempt to come to its end, or for the next to begin. */
  #timer: Timer | undefined;
  /** Sockets that nothing was heard on yet, each with the time it has. */
  readonly #silentSockets = new Map<Socket, Timer>();
  /** Those that are open. */
  readonly #sockets = new Set<Socket>();
  #unrefTimer: Timer | undefined;
  #stopKeepalive: () => void = () => undefined;
  #readyAt = 0;
  /** Short-lived connections in a row. */
  #shortLived = 0;
  /** Attempts in a row that nobody answered. */
  #unanswered = 0;
  /** Calls that somebody waits for. */
  #activeCalls = 0;
  #onDrained: (() => void) | undefined;

  constructor(address: string, options: ConnectionOptions) {
    this.#address = address;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#resets = new ResetPacer(this.#clock, () => {
      options.onScarceResets?.();
      this.#closeIfDrained();
    });
    this.#connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    this.#channel = this.#open();
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

  readonly call: WireHandler = (wire) => {
    if (wire.background === true) this.#unrefSoon();
    return carry(wire, {
      channel: this.#channel,
      clock: this.#clock,
      resets: this.#resets,
      connected: () => this.#state === 'ready',
      onBegin: this.#onBegin,
      onLeave: this.#onLeave,
    });
  };

  readonly #onBegin = () => {
    this.#activeCalls += 1;
  };
  readonly #onLeave = () => {
    this.#activeCalls -= 1;
    this.#closeIfDrained();
  };

  /** What was waited for has happened, as far as is known; until it is connected it counts as failed. */
  hurry(): void {
    if (this.#state === 'transient_failure') this.#reopen();
  }

  close(): void {
    if (this.#state !== 'ready') this.#destroySilentSockets();
    this.#move('shutdown');
    this.#unrefTimer?.cancel();
    this.#channel.close();
    this.#closeIfDrained();
  }

  /** Closes it once nobody waits for any of its calls; it takes no new ones. What runs in the background ends with it. */
  drain(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#closeIfDrained();
  }

  /** Where nobody waits for any of its calls any more, the connection's end is the reset of those that wait for theirs. */
  #closeIfDrained(): void {
    const onDrained = this.#onDrained;
    if (this.#activeCalls > 0 || (this.#state !== 'shutdown' && onDrained === undefined)) return;
    this.#onDrained = undefined;
    if (onDrained !== undefined || this.#resets.waiting > 0) for (const socket of this.#sockets) socket.destroy();
    if (this.#state !== 'shutdown') this.close();
    onDrained?.();
  }

  /**
   * grpc-js has a connection keep the process alive from the first call in flight to the last: once a call in the
   * background is among them, the connection does no more. Other calls are held by their own timers.
   */
  #unrefSoon(): void {
    const unref = () => {
      for (const socket of this.#sockets) socket.unref();
    };
    this.#unrefTimer?.cancel();
    this.#unrefTimer = this.#clock.setTimer(BEGUN_MS, unref, { keepAlive: false });
  }

  #open(): grpc.Channel {
    const onSocket = (socket: Socket) => {
      if (channel === this.#channel) this.#onSocket(socket);
      else socket.destroy();
    };
    const credentials = observeSockets(channelCredentials(this.#options.tls), onSocket);
    const channel = new grpc.Channel(this.#address, credentials, channelOptions(this.#options));
    this.#follow(channel);
    return channel;
  }

  /** Follows grpc-js's state until the transport is closed, or has another channel. */
  #follow(channel: grpc.Channel): void {
    const state = channel.getConnectivityState(false);
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => {
      if (error !== undefined || this.#state === 'shutdown' || channel !== this.#channel) return;
      this.#follow(channel);
      this.#onChange(channel.getConnectivityState(false));
    });
  }

  #onChange(state: grpc.connectivityState): void {
    if (state === grpc.connectivityState.READY) {
      this.#lastError = undefined;
      this.#unanswered = 0;
      this.#readyAt = this.#clock.now();
      this.#keepAlive();
      this.#move('ready');
    } else if (state === grpc.connectivityState.TRANSIENT_FAILURE) {
      this.#timer?.cancel();
      this.#readLastError(this.#channel);
    } else if (state === grpc.connectivityState.IDLE) {
      this.#onDisconnect();
    }
  }

  /** Connects again at once, before a call needs it, unless that has just been tried: then after a wait. */
  #onDisconnect(): void {
    const livedMs = this.#clock.now() - this.#readyAt;
    this.#shortLived = livedMs < SHORT_LIVED_MS ? this.#shortLived + 1 : 0;
    if (this.#shortLived < 2) {
      this.#connect();
      return;
    }
    this.#fail(`the connection ended ${Math.round(livedMs)} ms after it was made`);
    const waitMs = backoffMs(this.#shortLived - 2, { ...BACKOFF, random: this.#random });
    this.#wait(waitMs, () => this.#connect());
  }

  #connect(): void {
    this.#move('connecting');
    this.#attempt();
  }

  /** Lets grpc-js connect, for as long as that may take. It goes on trying after a failure, with its own backoff. */
  #attempt(): void {
    this.#channel.getConnectivityState(true);
    this.#giveUpAfter(this.#connectTimeoutMs);
  }

  /** Gives the attempt up after `delayMs`, unless this process itself was busy: then it has as much time again. */
  #giveUpAfter(delayMs: number): void {
    const dueAt = this.#clock.now() + delayMs;
    this.#wait(delayMs, () => {
      const lateMs = this.#clock.now() - dueAt;
      if (lateMs > BUSY_MS) return this.#giveUpAfter(lateMs);
      this.#fail(this.#tooSlow);
      if (this.#silentSockets.size > 0) this.#destroySilentSockets();
      else this.#renew();
    });
  }

  /** Nobody answers, which grpc-js would wait for: another attempt may fare better, as may another look-up. */
  #renew(): void {
    const renewalMs = Math.min(MAX_RENEWAL_MS, this.#connectTimeoutMs * 2 ** this.#unanswered);
    this.#unanswered += 1;
    this.#wait(renewalMs, () => this.#reopen());
  }

  #reopen(): void {
    const before = this.#channel;
    this.#channel = this.#open();
    // Calls that it still carries go on.
    before.close();
    this.#attempt();
  }

  /** Something accepts connections: now it has to speak, also where grpc-js tries again by itself. */
  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#state === 'ready' || this.#state === 'shutdown') return;
    const keepAlive = this.#state === 'connecting';
    const giveUp = () => {
      this.#gaveUp = true;
      socket.destroy();
    };
    const timer = this.#clock.setTimer(this.#connectTimeoutMs, giveUp, { keepAlive });
    this.#gaveUp = false;
    this.#silentSockets.set(socket, timer);
    socket.once('close', () => {
      timer.cancel();
      this.#silentSockets.delete(socket);
    });
  }

  #destroySilentSockets(): void {
    for (const socket of this.#silentSockets.keys()) socket.destroy();
  }

  get #tooSlow(): string {
    return `no connection within ${this.#connectTimeoutMs} ms`;
  }

  /** grpc-js tells why it can't connect to nobody but a call. */
  #readLastError(channel: grpc.Channel): void {
    const gaveUp = this.#gaveUp; // by the answer, the next attempt may have begun
    callUnserved(channel, '/', ({ details }) => {
      const reason = /Last error: (?:Error: )?(.*?)\. Resolution note/.exec(details)?.[1] ?? details;
      // A socket that was hung up on closes without a reason of its own.
      const isNone = reason.startsWith('Failed to connect');
      if (this.#state === 'ready' || (isNone && this.#state === 'transient_failure')) return;
      this.#fail(isNone && gaveUp ? this.#tooSlow : reason);
    });
  }

  #fail(reason: string): void {
    this.#lastError = reason;
    this.#move('transient_failure');
  }

  #wait(delayMs: number, next: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(delayMs, next, { keepAlive: this.#state === 'connecting' });
  }

  /** Sees to it that the connection which has just been made ends where its peer falls silent. */
  #keepAlive(): void {
    const intervalMs = peerPingIntervalMs(this.#options);
    if (intervalMs === undefined) return;
    const channel = this.#channel;
    const ask = () => {
      callUnserved(channel, KEEPALIVE_PATH, () => undefined);
      return true;
    };
    const options = { clock: this.#clock, intervalMs, timeoutMs: PEER_PING_TIMEOUT_MS, ask };
    const stops = [...this.#silentSockets.keys()].map((socket) => keepAlive(socket, options));
    this.#stopKeepalive = () => {
      for (const stop of stops) stop();
    };
  }

  #clearSilentSockets(): void {
    for (const timer of this.#silentSockets.values()) timer.cancel();
    this.#silentSockets.clear();
  }

  #move(state: ConnectivityState): void {
    if (this.#state === 'shutdown' || this.#state === state) return;
    if (this.#state === 'ready') this.#stopKeepalive();
    this.#state = state;
    this.#timer?.cancel();
    if (state === 'ready' || state === 'shutdown') this.#clearSilentSockets();
    for (const listener of [...this.#listeners]) listener(state);
  }

  #failure(): TransportError {
    const reason = this.#state === 'shutdown' ? CLOSED : (this.#lastError ?? 'no connection');
    return new TransportError(Status.UNAVAILABLE, reason, { reach: 'unsent' });
  }
}

/** A method that no server has: to say so, a peer has to be alive, and nothing else is done. */
const KEEPALIVE_PATH = '/rondo.Keepalive/Ask';

/** Makes a call of a method that nobody serves. */
function callUnserved(channel: grpc.Channel, path: string, onStatus: (status: grpc.StatusObject) => void): void {
  const call = channel.createCall(path, Number.POSITIVE_INFINITY, null, null, null);
  call.start(new grpc.Metadata(), { onReceiveMetadata() {}, onReceiveMessage() {}, onReceiveStatus: onStatus });
  call.halfClose();
}
