import { once } from 'node:events';
import http2 from 'node:http2';
import type { ConnectionOptions, SecureContextOptions } from 'node:tls';

/** An answer of the gateway. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly text: string;
  /** The body, parsed. */
  json(): unknown;
}

/** What is sent to the gateway. */
interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** One request over HTTP/1.1. */
export async function ask(url: string, { method, headers = {}, body }: Request = {}): Promise<Answer> {
  const verb = method ?? (body === undefined ? 'GET' : 'POST');
  const response = await fetch(url, { method: verb, headers, ...(body !== undefined && { body }) });
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString();
  return {
    status: response.status,
    headers: response.headers,
    body: bytes,
    text,
    json: () => JSON.parse(text) as unknown,
  };
}

/** A request with a body of JSON. */
export const askJson = (
  url: string,
  body: unknown,
  { method = 'POST', headers = {} }: Omit<Request, 'body'> = {},
): Promise<Answer> =>
  ask(url, { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });

/** A message in its envelope of gRPC, gRPC-Web or Connect. */
export function envelope(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** How a call by gRPC has ended. */
export interface GrpcAnswer {
  /** The number of the status; 0 is OK. */
  readonly code: number;
  /** As it is on the wire. */
  readonly message: string;
  /** The replies, each in its envelope. */
  readonly body: Buffer;
}

/** A call by gRPC. */
interface GrpcCall {
  /** The encoded message; empty by default. */
  readonly message?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** The certificate of the caller, and how it checks that of the server. */
  readonly tls?: SecureContextOptions & Pick<ConnectionOptions, 'checkServerIdentity'>;
}

/** A call by gRPC with one encoded message, over a connection of its own. */
export async function askGrpc(url: string, path: string, call: Uint8Array | GrpcCall): Promise<GrpcAnswer> {
  const { message = Buffer.alloc(0), headers = {}, tls = {} } = call instanceof Uint8Array ? { message: call } : call;
  const session = http2.connect(url, tls);
  try {
    const own = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...own, ...headers });
    let status: http2.IncomingHttpHeaders = {};
    const keep = (received: http2.IncomingHttpHeaders) => {
      status = { ...status, ...received };
    };
    stream.on('response', keep).on('trailers', keep).end(envelope(message));
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
    await once(stream, 'close');
    const { 'grpc-status': code, 'grpc-message': text = '' } = status;
    return { code: Number(code), message: String(text), body: Buffer.concat(chunks) };
  } finally {
    session.close();
  }
}
