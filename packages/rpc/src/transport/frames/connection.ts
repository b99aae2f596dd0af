import { connect as connectSocket, type Socket } from 'node:net';
import {
  backoffMs,
  type Clock,
  type Random,
  systemClock,
  systemRandom,
  systemWallClock,
  type Timer,
} from '@rondo/base';
import type { Reply } from '../../call/call.js';
import type { CallContext } from '../../call/call-context.js';
import { SignedCalls } from '../../principal/signed-calls.js';
import { Connectivity } from '../connectivity.js';
import { ActiveCalls } from '../grpc/active-calls.js';
import { keepAlive } from '../grpc/keepalive.js';
import {
  DEFAULT_CONNECT_TIMEOUT_MS,
  DEFAULT_MAX_REPLY_BYTES,
  type GrpcTransportOptions,
  peerPings,
} from '../grpc/options.js';
import { type SecurityListener, SILENT_END, secureSocket } from '../mutual-socket.js';
import type { ConnectivityState, Transport, TransportEvent, WireCall, WireHandler } from '../transport.js';
import { FrameClient } from './frame-client.js';
import { FRAMES_ALPN } from './frames.js';

/** A connection that ends sooner counts as failed, for the backoff. Milliseconds. */
const SHORT_LIVED_MS = 1_000;
/** Half of each wait is certain: a server that closes its connections isn't asked for another at once. */
const BACKOFF = { baseMs: 100, maxMs: 1_000, jitter: 'equal' } as const;
/** A timer that is later than this shows that this process was busy, and may not have read what has arrived. Milliseconds. */
const BUSY_MS = 50;

/** How a peer is watched that doesn't say how often it may be pinged, such as a process under a debugger. Milliseconds. */
const RARE_PINGS = { activeIntervalMs: 310_000, idleIntervalMs: 310_000, silentAfterMs: 20_000, timeoutMs: 20_000 };

/** Options of {@link FramesConnection}. */
export interface FramesConnectionOptions extends GrpcTransportOptions {
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Runs when the peer has answered with anything but frames, with what it did. */
  readonly onForeign: (reason: string) => void;
}

/** An attempt to connect, or the connection that came of it. */
interface Link {
  readonly socket: Socket;
  client: FrameClient | undefined;
  /** Whether TLS is above its socket, and says by what it ends. */
  securing: boolean;
  /** Whether both ends have agreed on frames over TLS. */
  agreed: boolean;
  /** Whether it was ready for calls. */
  ready: boolean;
  timedOut: boolean;
  /** Why it failed. */
  fault: string | undefined;
}

/** One connection to `address` that speaks frames. It connects at the first `connect`, and again when it breaks. */
export class FramesConnection implements Transport {
  readonly #address: string;
  readonly #options: FramesConnectionOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #connectTimeoutMs: number;
  readonly #signed: SignedCalls;
  readonly #active = new ActiveCalls(() => undefined);
  readonly #connectivity = new Connectivity();
  #link: Link | undefined;
  /** The connections that still carry calls, but take no more. */
  readonly #draining = new Set<FrameClient>();
  /** Ends the current attempt, or begins the next. */
  #timer: Timer | undefined;
  #readyAt = 0;
  /** How many attempts in a row have failed, or were short-lived connections. */
  #failures = 0;
  /** Whether the last attempt ended before the peer sent a byte. */
  #silentEnd = false;

  constructor(address: string, options: FramesConnectionOptions) {
    this.#address = address;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    this.#signed = new SignedCalls({ clock: this.#clock, wallClock: systemWallClock, random: this.#random });
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

  readonly #carry = (wire: WireCall): Promise<Reply<Uint8Array>> => {
    const client = this.state === 'ready' ? this.#link?.client : undefined;
    return client === undefined ? Promise.reject(this.#connectivity.failure()) : client.call(wire);
  };

  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#link?.client?.abandon(contexts);
    for (const client of this.#draining) client.abandon(contexts);
  }

  /** Ends the backoff, because there is news of the endpoint. The connection counts as failed until it is ready. */
  resetBackoff(): void {
    if (this.state === 'transient_failure' && this.#link === undefined) this.#attempt();
  }

  close(): void {
    const link = this.#link;
    this.#move('shutdown');
    if (link?.client === undefined || !link.ready) link?.socket.destroy();
    else link.client.close();
  }

  #connect(): void {
    this.#move('connecting');
    this.#attempt();
  }

  #attempt(): void {
    const socket = connectSocket({ ...targetOf(this.#address), noDelay: true });
    const link: Link = {
      socket,
      client: undefined,
      securing: false,
      agreed: false,
      ready: false,
      timedOut: false,
      fault: undefined,
    };
    this.#link = link;
    // Calls hold the process by timers of their own.
    socket.unref();
    this.#giveUpAfter(link, this.#connectTimeoutMs);
    socket.once('connect', () => void this.#secure(link));
    socket.once('error', (error) => {
      link.fault ??= error.message;
    });
    socket.once('close', () => {
      if (!link.securing) this.#onClose(link);
    });
  }

  /** Gives an attempt up after `delayMs`. If this process itself was busy, the attempt gets as much time again. */
  #giveUpAfter(link: Link, delayMs: number): void {
    const dueAt = this.#clock.now() + delayMs;
    this.#wait(delayMs, () => {
      const lateMs = this.#clock.now() - dueAt;
      if (lateMs > BUSY_MS) return this.#giveUpAfter(link, lateMs);
      link.timedOut = true;
      link.fault = `no connection within ${this.#connectTimeoutMs} ms`;
      link.socket.destroy();
    });
  }

  async #secure(link: Link): Promise<void> {
    const { mutualTls, servers } = this.#options;
    if (mutualTls === undefined) return this.#begin(link, link.socket);
    link.securing = true;
    const listener: SecurityListener = {
      onSecured: (connection) => this.#signed.begin(connection),
      onRefused: (fault) => {
        link.fault ??= fault;
      },
    };
    try {
      const protocols = [FRAMES_ALPN, 'h2'];
      const secured = await secureSocket(link.socket, { tls: mutualTls, servers, protocols, listener });
      link.agreed = secured.alpnProtocol === FRAMES_ALPN;
      if (link.agreed) this.#begin(link, secured);
      else this.#leaveForeign(link, 'over TLS it speaks HTTP/2');
    } catch (fault) {
      link.fault ??= fault instanceof Error ? fault.message : String(fault);
      this.#onClose(link);
    }
  }

  /** Begins frames on a socket, which may be that of TLS over the link's. */
  #begin(link: Link, socket: Socket): void {
    const { maxReplyBytes = DEFAULT_MAX_REPLY_BYTES, compression } = this.#options;
    const client: FrameClient = new FrameClient({
      socket,
      clock: this.#clock,
      maxReplyBytes,
      compression,
      active: this.#active,
      onReady: () => this.#onReady(link, socket),
      onClose: (reason) => this.#onStop(link, client, reason),
    });
    link.client = client;
    socket.on('data', (chunk: Buffer) => client.receive(chunk));
    socket.once('error', (error) => {
      link.fault ??= error.message;
    });
    socket.once('close', () => {
      client.closed(link.fault ?? 'the server closed it');
      this.#draining.delete(client);
      if (link.securing) this.#onClose(link);
    });
  }

  #onReady(link: Link, socket: Socket): void {
    if (this.#link !== link || this.state === 'shutdown') return;
    link.ready = true;
    this.#connectivity.lastError = undefined;
    this.#silentEnd = false;
    this.#readyAt = this.#clock.now();
    this.#keepAlive(link, socket);
    this.#move('ready');
  }

  /** Watches a connection, and ends it when its peer is silent for long. */
  #keepAlive(link: Link, socket: Socket): void {
    const pings = peerPings(this.#options) ?? RARE_PINGS;
    const stop = keepAlive(socket, {
      clock: this.#clock,
      ...pings,
      intervalMs: () => (this.#active.unary > 0 ? pings.activeIntervalMs : pings.idleIntervalMs),
      ask: () => (pings !== RARE_PINGS || this.#active.all > 0) && (link.client?.ping() ?? false),
      onSilence: (silent) => {
        if (this.#link === link) this.#connectivity.setSilent(silent);
      },
    });
    socket.once('close', stop);
  }

  /** A connection takes no more calls: its server stops, or it is broken. */
  #onStop(link: Link, client: FrameClient, reason: string): void {
    if (!link.socket.destroyed) this.#draining.add(client);
    if (this.#link !== link || this.state !== 'ready') return;
    this.#link = undefined;
    if (client.fault === undefined) this.#onDisconnect(reason);
    else this.#options.onForeign(client.fault);
  }

  /** Reconnects at once, before a call needs it. After two short-lived connections in a row it waits first. */
  #onDisconnect(reason: string): void {
    const livedMs = this.#clock.now() - this.#readyAt;
    this.#failures = livedMs < SHORT_LIVED_MS ? this.#failures + 1 : 0;
    if (this.#failures < 2) this.#connect();
    else this.#fail(`the connection ended ${Math.round(livedMs)} ms after it was made (${reason})`);
  }

  /** A socket has closed. If it was an attempt, that has failed. */
  #onClose(link: Link): void {
    link.socket.destroy();
    if (this.#link !== link || link.ready) return;
    this.#link = undefined;
    if (this.state === 'shutdown') return;
    const { client, socket, agreed, timedOut } = link;
    const isSilent = client !== undefined && socket.bytesRead === 0 && !timedOut;
    if (client !== undefined && !agreed && (socket.bytesRead > 0 || (isSilent && this.#silentEnd))) {
      this.#leaveForeign(link, client.fault ?? 'it answers with no frames');
      return;
    }
    this.#silentEnd = isSilent;
    this.#failures += 1;
    this.#fail(link.fault ?? client?.fault ?? SILENT_END);
  }

  #leaveForeign(link: Link, reason: string): void {
    if (this.#link === link) this.#link = undefined;
    link.socket.destroy();
    this.#options.onForeign(reason);
  }

  #fail(reason: string): void {
    this.#connectivity.lastError = reason;
    this.#move('transient_failure');
    const waitMs = backoffMs(Math.max(0, this.#failures - 1), { ...BACKOFF, random: this.#random });
    this.#wait(waitMs, () => this.#attempt());
  }

  #wait(delayMs: number, next: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(delayMs, next, { keepAlive: this.state === 'connecting' });
  }

  #move(state: ConnectivityState): void {
    if (state !== 'connecting') this.#timer?.cancel();
    this.#connectivity.move(state);
  }
}

/** What Node connects to for an address. */
function targetOf(address: string): { readonly path: string } | { readonly host: string; readonly port: number } {
  if (address.startsWith('unix:')) return { path: address.replace(/^unix:(?:\/\/(?=\/))?/, '') };
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[(.+)\]$/, '$1'), port: Number(address.slice(at + 1)) };
}
