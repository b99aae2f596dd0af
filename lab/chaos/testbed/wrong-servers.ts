import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, createSecureServer, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { CertificateFiles } from '@rondo/harness/postgres';

/** A server that doesn't speak gRPC. */
export interface WrongServer {
  readonly address: string;
  close(): Promise<void>;
}

/** Starts a web server that speaks only HTTP/1; over TLS, if it has a certificate. */
export function startHttp1(files?: CertificateFiles): Promise<WrongServer> {
  const answer: RequestListener = (_request, response) => void response.writeHead(200).end('<h1>Hello</h1>');
  const server = files === undefined ? createHttpServer(answer) : createHttpsServer(read(files), answer);
  return listen(server, () => server.closeAllConnections());
}

/** Starts a web server that speaks HTTP/2 without gRPC; over TLS, if it has a certificate. */
export function startHttp2(files?: CertificateFiles): Promise<WrongServer> {
  const sessions = new Set<{ destroy(): void }>();
  const answer = (_request: unknown, response: Http2ServerResponse) => {
    response.writeHead(404, { 'content-type': 'text/html' });
    response.end('<h1>Not found</h1>');
  };
  const server: Server = files === undefined ? createHttp2Server(answer) : createSecureServer(read(files), answer);
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  return listen(server, () => {
    for (const session of sessions) session.destroy();
  });
}

const read = ({ cert, key }: CertificateFiles) => ({ cert: readFileSync(cert), key: readFileSync(key) });

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
