import { createServer as createHttpServer } from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A server that isn't what its callers take it for. */
export interface ForeignServer {
  readonly address: string;
  /** The number of connections made to it. */
  readonly connections: () => number;
  /** The number of open connections. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** An HTTP/2 server that answers every request with a page. */
export function pageServer(status: number, page: string): Promise<ForeignServer> {
  const server = http2.createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html' });
    response.end(page);
  });
  return listen(server);
}

/** A server that speaks only HTTP/1. */
export function http1Server(): Promise<ForeignServer> {
  return listen(createHttpServer((_request, response) => response.end('<html>')));
}

/** An HTTP/2 server that closes each connection as soon as it is made. */
export function briefServer(): Promise<ForeignServer> {
  const server = http2.createServer();
  server.on('session', (session) => session.on('remoteSettings', () => session.close()));
  return listen(server);
}

/** A server that handles its connections by `onSocket`. */
export function socketServer(onSocket: (socket: Socket) => void): Promise<ForeignServer> {
  return listen(createServer(onSocket));
}

async function listen(server: Server | http2.Http2Server): Promise<ForeignServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return { address: `127.0.0.1:${port}`, connections: () => connections, open: () => sockets.size, close };
}
