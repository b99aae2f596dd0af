import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';

/** A server that doesn't speak gRPC. */
export interface WrongServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Starts a web server that speaks only HTTP/1. */
export function startHttp1(): Promise<WrongServer> {
  const server = createHttpServer((_request, response) => response.writeHead(200).end('<h1>Hello</h1>'));
  return listen(server, () => server.closeAllConnections());
}

/** Starts a web server that speaks HTTP/2 without gRPC. */
export function startHttp2(): Promise<WrongServer> {
  const sessions = new Set<{ destroy(): void }>();
  const server = createHttp2Server((_request, response) => {
    response.writeHead(404, { 'content-type': 'text/html' });
    response.end('<h1>Not found</h1>');
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  return listen(server, () => {
    for (const session of sessions) session.destroy();
  });
}

async function listen(server: Server, closeConnections: () => void): Promise<WrongServer> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      closeConnections();
      await closed;
    },
  };
}
