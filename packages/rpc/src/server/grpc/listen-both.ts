import { createServer, type ListenOptions, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { Clock } from '../../clock/clock.js';

/** The first byte of a TLS record that begins a handshake. Source: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const TLS_HANDSHAKE = 0x16;
/** How long a client has to send its first byte. Milliseconds. */
const FIRST_BYTE_MS = 10_000;

/** Where a permissive server listens, and with which credentials. */
interface ListenBothOptions {
  /** `host:port`, `[v6]:port` or `unix:/path`. */
  readonly listen: string;
  readonly secure: grpc.ServerCredentials;
  readonly clock: Clock;
}

/** A listener for clients with and without TLS. */
export interface PermissiveListener {
  readonly port: number;
  /** Accepts no more connections. */
  close(): void;
}

/**
 * Listens for clients with and without TLS at one address, while processes change over one by one. The first byte of a
 * connection tells which.
 */
export function listenBoth(
  server: grpc.Server,
  { listen, secure, clock }: ListenBothOptions,
): Promise<PermissiveListener> {
  const withTls = server.createConnectionInjector(secure);
  const plain = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const waiting = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    waiting.add(socket);
    sniff(socket, clock, (first) => {
      waiting.delete(socket);
      if (first !== undefined) (first === TLS_HANDSHAKE ? withTls : plain).injectConnection(socket);
    });
  });
  const close = () => {
    listener.close();
    for (const socket of waiting) socket.destroy();
  };
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(addressOf(listen), () => {
      listener.off('error', reject);
      const bound = listener.address();
      resolve({ port: typeof bound === 'object' && bound !== null ? bound.port : 0, close });
    });
  });
}

function addressOf(listen: string): ListenOptions {
  if (listen.startsWith('unix:')) return { path: listen.replace(/^unix:(?:\/\/(?=\/))?/, '') };
  const end = listen.lastIndexOf(':');
  return { host: listen.slice(0, end).replace(/^\[|\]$/g, ''), port: Number(listen.slice(end + 1)) };
}

/** Reads the first byte of a connection, and puts it back. `undefined` if the connection ends before that. */
function sniff(socket: Socket, clock: Clock, decided: (first: number | undefined) => void): void {
  const timer = clock.setTimer(FIRST_BYTE_MS, () => socket.destroy(), { keepAlive: false });
  const settle = (first: number | undefined) => {
    timer.cancel();
    socket.off('readable', look).off('end', drop).off('close', drop).off('error', drop);
    decided(first);
  };
  const drop = () => {
    socket.destroy();
    settle(undefined);
  };
  const look = () => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    socket.unshift(bytes);
    settle(bytes[0]);
  };
  socket.on('readable', look).on('end', drop).on('close', drop).on('error', drop);
}
