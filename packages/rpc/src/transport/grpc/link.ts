import type { ClientHttp2Session } from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import { systemWallClock, type Timer, yieldToEventLoop } from '@rondo/base';
import type { CallContext } from '../../call/call-context.js';
import { SignedCalls } from '../../principal/signed-calls.js';
import type { SecuredConnection } from '../../principal/signer.js';
import { isCompressed } from '../frames/requests.js';
import { keepLinkAlive } from '../keep-link-alive.js';
import type { Link, LinkOptions } from '../link.js';
import type { WireCall, WireHandler } from '../transport.js';
import { ActiveCalls } from './active-calls.js';
import { type Carrier, carry } from './call.js';
import { clientOptions } from './client-options.js';
import { guardedSession } from './hidden-session.js';
import { pingPeer } from './keepalive.js';
import { ResetPacer } from './reset-pacer.js';
import { securityOf } from './security.js';
import { ClientSockets } from './sockets.js';

const { IDLE, CONNECTING, READY } = grpc.connectivityState;

// grpc-js's own output is off, because Rondo throws or logs the same. GRPC_VERBOSITY turns it on.
if (process.env['GRPC_VERBOSITY'] === undefined) grpc.setLogVerbosity(grpc.logVerbosity.NONE);

/** By then a call over a ready connection has begun. Milliseconds. */
const BEGUN_MS = 100;

/** How long a server may take to end its side of a connection that was closed. Milliseconds. */
const LINGER_MS = 1_000;

/** Connects to a server by gRPC. Rejects with the reason if that fails. */
export async function openGrpc(options: LinkOptions): Promise<Link> {
  const { address, signal } = options;
  const security = securityOf(options);
  const client = new grpc.Client(address, security.credentials, clientOptions(options));
  const channel = client.getChannel();
  const sockets = new ClientSockets(() => channel.getConnectivityState(true));
  const abandon = () => {
    client.close();
    sockets.destroy();
  };
  signal.addEventListener('abort', abandon);
  try {
    await untilSettled(channel);
    signal.throwIfAborted();
    if (channel.getConnectivityState(false) !== READY) throw new Error(security.explain(await connectError(client)));
    return new GrpcLink(client, sockets, { ...options, secured: security.secured() });
  } catch (fault) {
    abandon();
    throw signal.aborted ? signal.reason : fault;
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

/** Resolves once a channel has connected, or has failed to. */
async function untilSettled(channel: grpc.ChannelInterface): Promise<void> {
  const now = channel.getConnectivityState(false);
  if (now !== IDLE && now !== CONNECTING) return;
  await new Promise<void>((resolve) => {
    channel.watchConnectivityState(now, Number.POSITIVE_INFINITY, () => resolve());
  });
  await untilSettled(channel);
}

/** Why a client can't connect: undefined if grpc-js knows no reason. It reports the reason only to calls, so this makes one. */
function connectError(client: grpc.Client): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asGiven = (bytes: Buffer) => bytes;
    client.makeUnaryRequest('/', asGiven, asGiven, Buffer.alloc(0), (error) => {
      const details = error?.details ?? '';
      const reason = /Last error: (?:Error: )?(.*?)\. Resolution note/.exec(details)?.[1] ?? details;
      resolve(reason.startsWith('Failed to connect') ? undefined : reason);
    });
  });
}

interface GrpcLinkOptions extends LinkOptions {
  /** The two ends, if the connection has mutual TLS. */
  readonly secured: SecuredConnection | undefined;
}

/** One HTTP/2 connection, by a client of grpc-js that doesn't reconnect. */
class GrpcLink implements Link {
  readonly #client: grpc.Client;
  readonly #sockets: ClientSockets;
  readonly #session: ClientHttp2Session;
  readonly #options: LinkOptions;
  readonly #signed: SignedCalls;
  readonly #active = new ActiveCalls();
  readonly ended: Promise<Error>;
  readonly closed: Promise<void>;
  readonly #carrier: Carrier;
  #hasEnded = false;
  #unref: Timer | undefined;

  constructor(client: grpc.Client, sockets: ClientSockets, options: GrpcLinkOptions) {
    const { secured } = options;
    this.#client = client;
    this.#sockets = sockets;
    this.#options = options;
    this.#signed = new SignedCalls({ ...options, wallClock: systemWallClock });
    if (secured !== undefined) this.#signed.begin(secured);
    this.#carrier = {
      client,
      clock: options.clock,
      resets: new ResetPacer(options.clock, options.onScarceResets),
      active: this.#active,
      connected: () => !this.#hasEnded,
    };
    const session = guardedSession(client);
    this.#session = session;
    this.closed = new Promise((resolve) => session.once('close', () => resolve()));
    const ping = () => pingPeer(this.#session);
    session.once('close', keepLinkAlive(sockets, options, { active: this.#active, ping }));
    this.ended = new Promise((resolve) => {
      client.getChannel().watchConnectivityState(READY, Number.POSITIVE_INFINITY, () => {
        this.#end();
        resolve(new Error('the server closed it'));
      });
    });
  }

  readonly call: WireHandler = (wire) => {
    if (wire.background === true) this.#unrefSoon();
    if (wire.principal === undefined) return carry(wire, this.#carrier);
    return this.#signed.carry(wire, wire.principal, (signed) => carry(signed, this.#carrier));
  };

  carries(wire: WireCall): boolean {
    const { compressed = false, compression } = this.#options;
    return compressed === isCompressed(wire, compression);
  }

  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#active.abandon(contexts);
  }

  close(): void {
    this.#end();
    this.#active.onLeft = () => this.#closeIfDone();
    this.#closeIfDone();
  }

  /** Takes no more calls. Those in flight aren't ended. */
  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#client.close();
  }

  /** Ends the connection once no caller waits for a call. That also resets the streams whose resets are still pending. */
  #closeIfDone(): void {
    if (this.#active.all > 0 || this.#session.destroyed) return;
    this.#unref?.cancel();
    // The last call may have ended by what Node is reading. Node 20, and versions of 22 and 24, corrupt their memory if the other
    // streams are reset meanwhile: https://github.com/nodejs/node/issues/64113
    void yieldToEventLoop().then(() => {
      // The first makes the second end the socket in peace.
      this.#session.close();
      this.#session.destroy();
    });
    this.#options.clock.setTimer(LINGER_MS, () => this.#sockets.destroy(), { keepAlive: false });
  }

  /**
   * grpc-js keeps the process alive from the first call in flight to the last. Once a background call is in flight,
   * the connection must not keep it alive: the other calls do so by timers of their own.
   */
  #unrefSoon(): void {
    this.#unref?.cancel();
    this.#unref = this.#options.clock.setTimer(BEGUN_MS, () => this.#session.unref(), { keepAlive: false });
  }
}
