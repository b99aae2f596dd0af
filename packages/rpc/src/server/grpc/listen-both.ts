import { createServer, type ListenOptions, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import type { Clock } from '../../clock/clock.js';
import type { ConnectionLimit } from './connection-limit.js';
import { readFirstByte } from './first-byte.js';

/** The first byte of a TLS record that begins a handshake. Source: https://www.rfc-editor.org/rfc/rfc8446#section-5.1 */
const TLS_HANDSHAKE = 0x16;

/** Where a permissive server listens, and with which credentials. */
interface ListenBothOptions {
  /** `host:port`, `[v6]:port` or `unix:/path`. */
  readonly listen: string;
  readonly secure: grpc.ServerCredentials;
  readonly clock: Clock;
  readonly connections: ConnectionLimit;
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
  { listen, secure, clock, connections }: ListenBothOptions,
): Promise<PermissiveListener> {
  const withTls = server.createConnectionInjector(secure);
  const plain = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const waiting = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    if (!connections.admit(socket)) return;
    waiting.add(socket);
    readFirstByte(socket, clock, (first) => {
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
