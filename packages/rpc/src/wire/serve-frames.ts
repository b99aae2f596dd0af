import type { Socket } from 'node:net';
import { keepAlive } from '../transport/grpc/keepalive.js';
import { FrameServer, type FrameServerOptions } from './frame-server.js';
import { HANDSHAKE_MS, PINGS } from './limits.js';
import type { Connection } from './requests.js';

/**
 * Serves a connection that speaks frames. A client that sends no frame in time is cut off; one that is frozen, or was cut off
 * silently, is pinged, and then disconnected.
 */
export function serveFrames(socket: Socket, connection: Connection, options: FrameServerOptions): FrameServer {
  const { clock } = options;
  const server = new FrameServer(socket, connection, options);
  const unheard = clock.setTimer(HANDSHAKE_MS, () => server.isWelcome || socket.destroy(), { keepAlive: false });
  const pings = { intervalMs: () => PINGS.afterMs, timeoutMs: PINGS.answerMs, ask: () => server.ping() };
  const stop = keepAlive(socket, { clock, ...pings });
  socket
    .on('data', (chunk: Buffer) => server.receive(chunk))
    .once('close', () => {
      unheard.cancel();
      stop();
      server.closed();
    });
  return server;
}
