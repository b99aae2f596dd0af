import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { systemWallClock } from '@rondo/base';
import type { CallContext } from '../../call/call-context.js';
import { SignedCalls } from '../../principal/signed-calls.js';
import { ActiveCalls } from '../grpc/active-calls.js';
import { DEFAULT_MAX_REPLY_BYTES } from '../grpc/options.js';
import { keepLinkAlive } from '../keep-link-alive.js';
import { ForeignPeer, type Link, type LinkOptions } from '../link.js';
import { SILENT_END, secureSocket } from '../mutual-socket.js';
import type { WireCall, WireHandler } from '../transport.js';
import { FrameClient } from './frame-client.js';
import { FRAMES_ALPN } from './frames.js';

/**
 * Connects to a server by frames.
 *
 * @throws ForeignPeer if the server answers otherwise.
 */
export async function openFrames(options: LinkOptions): Promise<Link> {
  const { address, signal } = options;
  const socket = connectSocket({ ...targetOf(address), noDelay: true });
  // Calls hold the process by timers of their own.
  socket.unref();
  const abandon = () => socket.destroy();
  signal.addEventListener('abort', abandon);
  try {
    await once(socket, 'connect', { signal });
    const link = new FramesLink(socket, options);
    await link.begin();
    return link;
  } catch (fault) {
    socket.destroy();
    throw signal.aborted ? signal.reason : fault;
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

/** A connection that speaks frames, above its socket. */
class FramesLink implements Link {
  readonly #socket: Socket;
  readonly #options: LinkOptions;
  readonly #active = new ActiveCalls();
  readonly #signed: SignedCalls;
  #client: FrameClient | undefined;
  /** Whether both ends have agreed on frames over TLS. */
  #agreed = false;
  /** Why it ended. */
  #fault: string | undefined;
  #onEnd: (reason: Error) => void = () => undefined;
  readonly ended = new Promise<Error>((resolve) => {
    this.#onEnd = resolve;
  });
  readonly closed: Promise<void>;

  constructor(socket: Socket, options: LinkOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#signed = new SignedCalls({ ...options, wallClock: systemWallClock });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    this.#noteFaultsOf(socket);
  }

  readonly call: WireHandler = (wire) => {
    const client = this.#client;
    if (client === undefined) throw new Error('a link takes calls once it has begun');
    if (wire.principal === undefined) return client.call(wire);
    return this.#signed.carry(wire, wire.principal, (signed) => client.call(signed));
  };

  /** Calls of contracts with `TRANSPORT_GRPC`, and timed ones, aren't. */
  carries({ plain }: WireCall): boolean {
    return plain !== true;
  }

  abandon(contexts: ReadonlySet<CallContext>): void {
    this.#client?.abandon(contexts);
  }

  close(): void {
    this.#client?.close();
  }

  /** Resolves once calls can be made. */
  async begin(): Promise<void> {
    const socket = await this.#secure();
    await new Promise<void>((onReady, onFailure) => {
      const { clock, maxReplyBytes = DEFAULT_MAX_REPLY_BYTES, compression } = this.#options;
      const client: FrameClient = new FrameClient({
        socket,
        clock,
        maxReplyBytes,
        compression,
        active: this.#active,
        onReady,
        onClose: (reason) => this.#onEnd(client.fault === undefined ? new Error(reason) : foreign(client.fault)),
      });
      this.#client = client;
      socket.on('data', client.receive);
      socket.once('close', () => {
        client.closed(this.#fault ?? 'the server closed it');
        onFailure(this.#whyNotReady(client));
      });
    });
    const ping = () => this.#client?.ping() ?? false;
    socket.once('close', keepLinkAlive(socket, this.#options, { active: this.#active, ping }));
  }

  /** The socket that carries the frames: that of TLS above the first, if the processes have mutual TLS. */
  async #secure(): Promise<Socket> {
    const { mutualTls, servers } = this.#options;
    if (mutualTls === undefined) return this.#socket;
    const secured = await secureSocket(this.#socket, {
      tls: mutualTls,
      servers,
      onSecured: (connection) => this.#signed.begin(connection),
      onRefused: (fault) => {
        this.#fault ??= fault;
      },
    });
    this.#agreed = secured.alpnProtocol === FRAMES_ALPN;
    if (!this.#agreed) throw foreign('over TLS it speaks HTTP/2');
    this.#noteFaultsOf(secured);
    return secured;
  }

  #noteFaultsOf(socket: Socket): void {
    socket.on('error', (error) => {
      this.#fault ??= error.message;
    });
  }

  #whyNotReady(client: FrameClient): Error {
    const heard = this.#socket.bytesRead > 0;
    if (this.#agreed) return new Error(this.#fault ?? client.fault ?? SILENT_END);
    if (heard) return foreign(client.fault ?? 'it answers with no frames');
    return new ForeignPeer(this.#fault ?? SILENT_END, { silent: true });
  }
}

const foreign = (reason: string) => new ForeignPeer(reason, { silent: false });

/** What Node connects to for an address. */
function targetOf(address: string): { readonly path: string } | { readonly host: string; readonly port: number } {
  if (address.startsWith('unix:')) return { path: address.replace(/^unix:(?:\/\/(?=\/))?/, '') };
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[(.+)\]$/, '$1'), port: Number(address.slice(at + 1)) };
}
