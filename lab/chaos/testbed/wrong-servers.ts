import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server, createSecureServer, type Http2ServerResponse } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import type { Testbed } from './testbed.js';

/** Starts a web server that speaks only HTTP/1; gives its address. */
export function startHttp1(testbed: Testbed): Promise<string> {
  const files = certificateOf(testbed);
  const answer: RequestListener = (_request, response) => void response.writeHead(200).end('<h1>Hello</h1>');
  return listen(files === undefined ? createHttpServer(answer) : createHttpsServer(files, answer), testbed);
}

/** Starts a web server that speaks HTTP/2 without gRPC; gives its address. */
export function startHttp2(testbed: Testbed): Promise<string> {
  const files = certificateOf(testbed);
  const answer = (_request: unknown, response: Http2ServerResponse) => {
    response.writeHead(404, { 'content-type': 'text/html' });
    response.end('<h1>Not found</h1>');
  };
  return listen(files === undefined ? createHttp2Server(answer) : createSecureServer(files, answer), testbed);
}

/** Undefined without TLS. */
function certificateOf({ certificates }: Testbed) {
  const files = certificates.filesOf('calculator');
  return files && { cert: readFileSync(files.cert), key: readFileSync(files.key) };
}

async function listen(server: Server, { onClose }: Testbed): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  // Its connections end with the clients.
  onClose(async () => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
