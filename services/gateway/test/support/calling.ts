import { once } from 'node:events';
import http from 'node:http';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { Metadata } from '@rondo/rpc/call';
import type { ListenerLimits } from '../../src/listener/limits.js';
import type { Backend, BackendCall, BackendReply } from '../../src/protocols/backend.js';
import { createDispatch, type DispatchOptions } from '../../src/protocols/dispatch.js';
import { connect2, listening } from './listening.js';
import { noteCatalogue } from './note-service.js';

/** A gateway on a port of its own, in front of `backend`. */
export async function gateway({
  limits = {},
  ...options
}: Partial<DispatchOptions> & { readonly backend: Backend; readonly limits?: Partial<ListenerLimits> }) {
  const { handle: handler } = createDispatch({
    catalogue: noteCatalogue,
    httpJson: () => undefined,
    pages: () => false,
    ...options,
  });
  const { port } = await listening({ handler, limits });
  return { port, session: () => connect2(`http://127.0.0.1:${port}`) };
}

/** What a client sends: its body in chunks, each in a write of its own. */
export interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string | string[]>;
  readonly chunks?: readonly Uint8Array[];
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

/** Opens a stream of HTTP/2 and leaves its request open. */
export function open2(session: ClientHttp2Session, { method = 'POST', path, headers }: Sent): ClientHttp2Stream {
  const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: false });
  stream.on('error', () => undefined);
  return stream;
}

/** A whole request over HTTP/2. */
export async function send2(session: ClientHttp2Session, sent: Sent): Promise<Received> {
  const stream = open2(session, sent);
  const answer = receive2(stream);
  for (const chunk of sent.chunks ?? []) await new Promise((resolve) => stream.write(chunk, resolve));
  stream.end();
  return answer;
}

/** The answer of a stream of HTTP/2. Without a body, the headers are the trailers too, as gRPC has it. */
export async function receive2(stream: ClientHttp2Stream): Promise<Received> {
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', (received) => {
    trailers = received;
  });
  const [headers]: IncomingHttpHeaders[] = await once(stream, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const all = headers?.['grpc-status'] === undefined ? trailers : headers;
  return { status: Number(headers?.[':status']), headers: headers ?? {}, body: Buffer.concat(chunks), trailers: all };
}

/** A whole request over HTTP/1.1. */
export async function send1(port: number, { method = 'POST', path, headers, chunks = [] }: Sent): Promise<Received> {
  const request = http.request({ port, host: '127.0.0.1', method, path, ...(headers && { headers }) });
  request.on('error', () => undefined);
  for (const chunk of chunks) request.write(chunk);
  request.end();
  const [response]: http.IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no response');
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts), trailers: {} };
}

/** A message in its envelope. */
export function frame(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The envelopes of a body. */
export function frames(body: Buffer): { readonly flags: number; readonly data: Buffer }[] {
  const found = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    found.push({ flags: body[at] ?? 0, data: body.subarray(at + 5, end) });
    at = end;
  }
  return found;
}

/** A backend that remembers its calls, and replies with what it was sent. */
export function echoBackend({ header, trailer }: { readonly header?: Metadata; readonly trailer?: Metadata } = {}) {
  const calls: BackendCall[] = [];
  const backend: Backend = async (call) => {
    calls.push(call);
    const { method } = call.target;
    const request = typeof call.request === 'function' ? call.request(ENDPOINT) : call.request;
    if (request === undefined) throw new Error('no instance can take the call');
    const messages = request.stream ? request.messages : once1(request.message);
    const reply = { header: header ?? new Metadata(), trailer: trailer ?? new Metadata(), from: ENDPOINT };
    if (method.responseStream) return { ...reply, response: { stream: true, messages } };
    const all: Uint8Array[] = [];
    for await (const message of messages) all.push(message);
    return { ...reply, response: { stream: false, message: Buffer.concat(all) } };
  };
  return { backend, calls };
}

/** Some instance. */
export const ENDPOINT = {} as NonNullable<BackendReply['from']>;

async function* once1(message: Uint8Array): AsyncGenerator<Uint8Array> {
  yield message;
}
