import { once } from 'node:events';
import http from 'node:http';
import http2, { type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import https from 'node:https';
import { connect, type Socket } from 'node:net';
import type { Logger } from '@rondo/rpc/call';
import { createListener, type ListenerOptions, type PublicListener } from '../../src/listener/listener.js';

/** What listeners log. */
export const logged: unknown[] = [];
const record = (...entry: readonly unknown[]) => void logged.push(entry);
const log: Logger = { debug: record, info: record, warn: record, error: record, child: () => log };

export interface Listening {
  readonly listener: PublicListener;
  readonly port: number;
}

const closers: (() => unknown)[] = [];

/** Runs `close` after the test. */
export function cleanUp(close: () => unknown): void {
  closers.push(close);
}

/** Closes what the test opened, the latest first. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

export async function listening(options: Omit<ListenerOptions, 'listen' | 'log'>): Promise<Listening> {
  const listener = createListener({ listen: { host: '127.0.0.1', port: 0 }, log, ...options });
  const { address } = await listener.listen();
  closers.push(() => listener.drain(0));
  return { listener, port: Number(address.split(':').pop()) };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders | http.IncomingHttpHeaders;
  readonly body: string;
  readonly trailers?: IncomingHttpHeaders;
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** What a request of HTTP/1.1 needs for TLS with any certificate. */
export function overTls(secure: boolean): Pick<http.RequestOptions, 'agent' | 'protocol'> {
  return secure ? { protocol: 'https:', agent: new https.Agent({ rejectUnauthorized: false }) } : {};
}

/** How a request of HTTP/1.1 is sent. */
interface Sending {
  readonly agent?: http.Agent;
  readonly secure?: boolean;
}

/** Keeps one connection until the end of the test. */
export function keepAliveAgent(): http.Agent {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  cleanUp(() => agent.destroy());
  return agent;
}

/** A request over HTTP/1.1. */
export async function ask1(port: number, asked: Asked & Sending = {}): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body, agent, secure = false } = asked;
  const how = agent === undefined ? overTls(secure) : { agent };
  const request = http.request({ port, host: '127.0.0.1', method, path, headers, ...how });
  request.end(body);
  const [response]: http.IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no response');
  return { status: response.statusCode ?? 0, headers: response.headers, body: await textOf(response) };
}

export async function textOf(source: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A connection of HTTP/2, over TLS if `options` say so. */
export async function connect2(
  url: string,
  options: http2.SecureClientSessionOptions = {},
): Promise<ClientHttp2Session> {
  const session = http2.connect(url, options);
  closers.push(() => session.destroy());
  session.on('error', () => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

/** A request over HTTP/2. */
export async function ask2(session: ClientHttp2Session, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body } = asked;
  const sent: OutgoingHttpHeaders = { ':method': method, ':path': path, ...headers };
  const stream = session.request(sent, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let trailers: IncomingHttpHeaders | undefined;
  stream.on('trailers', (received) => {
    trailers = received;
  });
  const closed = once(stream, 'close').then(() => {
    throw new Error(`the stream closed with ${stream.rstCode} before the answer`);
  });
  const [received]: IncomingHttpHeaders[] = await Promise.race([once(stream, 'response'), closed]);
  closed.catch(() => undefined);
  const text = await textOf(stream);
  const { ':status': status = 0, ...rest } = { ...received };
  return { status: Number(status), headers: rest, body: text, ...(trailers ? { trailers } : {}) };
}

/** A plain connection; its errors are ignored. */
export async function connectRaw(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  closers.push(() => socket.destroy());
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Sends `bytes` and reads until the listener closes the connection. */
export async function exchangeRaw(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = await connectRaw(port);
  socket.write(bytes);
  return textOf(socket);
}
