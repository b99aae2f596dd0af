import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, createSecureServer, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { CertificateFiles } from '@rondo/harness/postgres';

/** A server that doesn't speak gRPC. */
export type WrongServer = Awaited<ReturnType<typeof listen>>;

/** Starts a web server that speaks only HTTP/1; over TLS, if it has a certificate. */
export function startHttp1(files?: CertificateFiles): Promise<WrongServer> {
  const answer: RequestListener = (_request, response) => void response.writeHead(200).end('<h1>Hello</h1>');
  return listen(files === undefined ? createHttpServer(answer) : createHttpsServer(read(files), answer));
}

/** Starts a web server that speaks HTTP/2 without gRPC; over TLS, if it has a certificate. */
export function startHttp2(files?: CertificateFiles): Promise<WrongServer> {
  const answer = (_request: unknown, response: Http2ServerResponse) => {
    response.writeHead(404, { 'content-type': 'text/html' });
    response.end('<h1>Not found</h1>');
  };
  return listen(files === undefined ? createHttp2Server(answer) : createSecureServer(read(files), answer));
}

const read = ({ cert, key }: CertificateFiles) => ({ cert: readFileSync(cert), key: readFileSync(key) });

async function listen(server: Server) {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => void sockets.add(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    async close(): Promise<void> {
      const closed = once(server.close(), 'close');
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
