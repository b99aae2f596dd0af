import type { Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import {
  backoffMs,
  type Clock,
  type Random,
  systemClock,
  systemRandom,
  systemWallClock,
  type Timer,
} from '@rondo/base';
import type { CallContext } from '../../call/call-context.js';
import { SignedCalls } from '../../principal/signed-calls.js';
import { Connectivity } from '../connectivity.js';
import type { SecurityListener } from '../mutual-socket.js';
import type { ConnectivityState, Transport, TransportEvent, WireHandler } from '../transport.js';
import { ActiveCalls } from './active-calls.js';
import { carry } from './call.js';
import { observeSockets, sessionOf } from './credentials.js';
import { keepAlive, pingPeer } from './keepalive.js';
import { credentialsOf } from './mutual-credentials.js';
import { NewSockets } from './new-sockets.js';
import { type ConnectionOptions, channelOptions, DEFAULT_CONNECT_TIMEOUT_MS, peerPings } from './options.js';
import { ResetPacer } from './reset-pacer.js';
import { readConnectError } from './unserved-call.js';

/** A connection that ends sooner counts as failed, for the backoff. Milliseconds. */
const SHORT_LIVED_MS = 1_000;
/** Half of each wait is certain: a server that closes its connections isn't asked for another at once. */
const BACKOFF = { baseMs: 100, maxMs: 1_000, jitter: 'equal' } as const;

/** A connection attempt without an answer is replaced by a new one, after waits that double up to this. Milliseconds. */
const MAX_RENEWAL_MS = 8_000;

/** By then a call over a ready connection has begun. Milliseconds. */
const BEGUN_MS = 100;

/** A timer that is later than this shows that this process was busy, and may not have read what has arrived. Milliseconds. */
const BUSY_MS = 50;

/** One HTTP/2 connection to `address`, by grpc-js. It connects at the first `connect`, and again when it breaks. */
export class GrpcConnection implements Transport {
  readonly #address: string;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #resets: ResetPacer;
  readonly #connectTimeoutMs: number;
  readonly #connectivity = new Connectivity();
  #channel: grpc.Channel;
  readonly #signed: SignedCalls;
  /** Why the server has ended the last connection after its TLS handshake. */
  #refusal: string | undefined;
  /** Ends the current attempt, or starts the next. */
  #timer: Timer | undefined;
  readonly #newSockets: NewSockets;
  readonly #sockets = new Set<Socket>();
  #unrefTimer: Timer | undefined;
  #stopKeepalive: () => void = () => undefined;
  #readyAt = 0;
  /** The number of short-lived connections in a row. */
  #shortLived = 0;
  /** The number of attempts in a row without an answer. */
  #unanswered = 0;
  readonly #active: ActiveCalls;
  #onDrained: (() => void) | undefined;

  constructor(address: string, options: ConnectionOptions) {
    this.#address = address;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#signed = new SignedCalls({ clock: this.#clock, wallClock: systemWallClock, random: this.#random });
    this.#resets = new ResetPacer(this.#clock, () => {
      options.onScarceResets?.();
      this.#closeIfDrained();
    });
    this.#active = new ActiveCalls(() => this.#closeIfDrained());
    this.#connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    this.#newSockets = new NewSockets({ clock: this.#clock, timeoutMs: this.#connectTimeoutMs });
    this.#channel = this.#open();
  }

  get state(): ConnectivityState {
    return this.#connectivity.state;
  }

  get lastError(): string | undefined {
    return this.#connectivity.lastError;
  }

  get silent(): boolean {
    return this.#connectivity.silent;
  }

  subscribe(listener: (event: TransportEvent) => void): () => void {
    return this.#connectivity.subscribe(listener);
  }

  connect(signal?: AbortSignal): Promise<void> {
    return this.#connectivity.connect(() => this.#connect(), signal);
  }

  readonly call: WireHandler = (wire) =>
    wire.principal === undefined ? this.#carry(wire) : this.#signed.carry(wire, wire.principal, this.#carry);

  readonly #carry: WireHandler = (wire) => {
    if (wire.background === true) this.#unrefSoon();
    return carry(wire, {
      channel: this.#channel,
      clock: this.#clock,
      settings: this.#options,
      resets: this.#resets,
      active: this.#active,
      connected: this.#connected,
    });
  };

  readonly #connected = () => this.state === 'ready';

  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#active.abandon(contexts);
  }

  /** Ends the backoff, because there is news of the endpoint. The connection counts as failed until it is ready. */
  resetBackoff(): void {
    if (this.state === 'transient_failure') this.#reopen();
  }

  close(): void {
    if (this.state !== 'ready') this.#newSockets.destroy();
    this.#move('shutdown');
    this.#unrefTimer?.cancel();
    this.#channel.close();
    this.#closeIfDrained();
  }

  /**
   * Drains the connection: it takes no new calls and closes once no caller waits for one. Background calls end with it.
   */
  drain(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#closeIfDrained();
  }

  /**
   * Closes a draining connection once no caller waits for a call. That also resets the streams whose resets are still
   * pending.
   */
  #closeIfDrained(): void {
    const onDrained = this.#onDrained;
    if (this.#active.all > 0 || (this.state !== 'shutdown' && onDrained === undefined)) return;
    this.#onDrained = undefined;
    if (onDrained !== undefined || this.#resets.waiting > 0) for (const socket of this.#sockets) socket.destroy();
    if (this.state !== 'shutdown') this.close();
    onDrained?.();
  }

  /**
   * grpc-js keeps the process alive from the first call in flight to the last. Once a background call is in flight,
   * the connection must not keep it alive: the other calls do so by timers of their own.
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
    const listener: SecurityListener = {
      onSecured: (connection) => {
        if (channel === this.#channel) this.#signed.begin(connection);
      },
      onRefused: (fault) => {
        if (!this.#newSockets.timedOut) this.#refusal = fault;
      },
    };
    const credentials = observeSockets(credentialsOf(this.#options, listener), onSocket);
    const channel = new grpc.Channel(this.#address, credentials, channelOptions(this.#options));
    this.#follow(channel);
    return channel;
  }

  /** Follows grpc-js's state until the connection is closed or has another channel. */
  #follow(channel: grpc.Channel): void {
    const state = channel.getConnectivityState(false);
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, (error) => {
      if (error !== undefined || this.state === 'shutdown' || channel !== this.#channel) return;
      this.#follow(channel);
      this.#onChange(channel.getConnectivityState(false));
    });
  }

  #onChange(state: grpc.connectivityState): void {
    if (state === grpc.connectivityState.READY) {
      this.#connectivity.lastError = undefined;
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

  /** Reconnects at once, before a call needs it. After two short-lived connections in a row it waits first. */
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

  /** Lets grpc-js connect, within the timeout. After a failure grpc-js retries with its own backoff. */
  #attempt(): void {
    this.#channel.getConnectivityState(true);
    this.#giveUpAfter(this.#connectTimeoutMs);
  }

  /** Gives the attempt up after `delayMs`. If this process itself was busy, the attempt gets as much time again. */
  #giveUpAfter(delayMs: number): void {
    const dueAt = this.#clock.now() + delayMs;
    this.#wait(delayMs, () => {
      const lateMs = this.#clock.now() - dueAt;
      if (lateMs > BUSY_MS) return this.#giveUpAfter(lateMs);
      this.#fail(this.#tooSlow);
      if (this.#newSockets.size > 0) this.#newSockets.destroy();
      else this.#renew();
    });
  }

  /** No peer answers, and grpc-js would go on waiting. A new attempt, with a new name lookup, may succeed. */
  #renew(): void {
    const renewalMs = Math.min(MAX_RENEWAL_MS, this.#connectTimeoutMs * 2 ** this.#unanswered);
    this.#unanswered += 1;
    this.#wait(renewalMs, () => this.#reopen());
  }

  #reopen(): void {
    const before = this.#channel;
    this.#channel = this.#open();
    // Calls that it still carries are not ended.
    before.close();
    this.#attempt();
  }

  /** A peer has accepted the connection and now has to send something, also when grpc-js retries by itself. */
  #onSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.state === 'ready') return;
    if (this.state === 'shutdown') {
      // It was being made when the connection was closed.
      socket.destroy();
      return;
    }
    this.#newSockets.add(socket, this.state === 'connecting');
  }

  get #tooSlow(): string {
    return `no connection within ${this.#connectTimeoutMs} ms`;
  }

  #readLastError(channel: grpc.Channel): void {
    const gaveUp = this.#newSockets.timedOut; // read now: when the answer comes, the next attempt may have begun
    readConnectError(channel, (reason) => {
      // A socket that was destroyed here closes without a reason of its own.
      if (this.state === 'ready' || (reason === undefined && this.state === 'transient_failure')) return;
      this.#fail(this.#refusal ?? reason ?? (gaveUp ? this.#tooSlow : 'Failed to connect'));
      this.#refusal = undefined;
    });
  }

  #fail(reason: string): void {
    this.#connectivity.lastError = reason;
    this.#move('transient_failure');
  }

  #wait(delayMs: number, next: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(delayMs, next, { keepAlive: this.state === 'connecting' });
  }

  /** Watches the new connection, and ends it when its peer is silent for long. */
  #keepAlive(): void {
    const sockets = this.#newSockets.clear();
    const pings = peerPings(this.#options);
    if (pings === undefined) return;
    const options = {
      clock: this.#clock,
      ...pings,
      intervalMs: () => (this.#active.unary > 0 ? pings.activeIntervalMs : pings.idleIntervalMs),
      onSilence: (silent: boolean) => this.#connectivity.setSilent(silent),
    };
    const stops = sockets.map((socket) => keepAlive(socket, { ...options, ask: () => pingPeer(sessionOf(socket)) }));
    this.#stopKeepalive = () => {
      for (const stop of stops) stop();
    };
  }

  #move(state: ConnectivityState): void {
    if (this.state === 'shutdown' || this.state === state) return;
    if (this.state === 'ready') this.#stopKeepalive();
    this.#timer?.cancel();
    if (state === 'ready' || state === 'shutdown') this.#newSockets.clear();
    this.#connectivity.move(state);
  }
}
