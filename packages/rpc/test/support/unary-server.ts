import { once } from 'node:events';
import http2, { type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { UnaryRequest, UnaryResponse } from '@rondo/contracts/rondo/conformance/v1/conformance';
import type { ServerCall } from '../../src/call/call.js';
import { createRouter, type Router } from '../../src/server/router.js';
import { type ServeOptions, serve } from '../../src/wire/serve.js';
import { conformanceService } from './service.js';

/** The path of the method. */
export const PATH = '/rondo.conformance.v1.ConformanceService/Unary';

/** The encoded request `hello`. */
export const HELLO = Buffer.from(UnaryRequest.encode(UnaryRequest.fromPartial({ text: 'hello' })).finish());

/** The answer to a unary call, as HTTP/2 has it. */
export interface Answer {
  readonly header: IncomingHttpHeaders;
  readonly trailer: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A server with a unary method that echoes, and an HTTP/2 session to it, below any client of gRPC. */
export async function startUnaryServer(options: Partial<ServeOptions> = {}) {
  const state = {
    /** The calls that reached the handler, and what it does next. */
    calls: [] as ServerCall[],
    handle: (_call: ServerCall): Promise<void> => Promise.resolve(),
    /** The text of the replies; that of the request by default. */
    reply: undefined as string | undefined,
    /** How many calls reached the router. */
    routed: 0,
  };
  const service = conformanceService({
    async unary({ text }, call) {
      state.calls.push(call);
      await state.handle(call);
      return UnaryResponse.fromPartial({ text: state.reply ?? text });
    },
  });
  const { clock } = options;
  const router = createRouter({ services: [service], ...(clock && { clock }) });
  const counted: Router = {
    ...router,
    handle(received) {
      state.routed += 1;
      return router.handle(received);
    },
  };
  const server = await serve(counted, { listen: '127.0.0.1:0', ...options });
  const session = http2.connect(`http://${server.address}`);
  const begin = (headers: OutgoingHttpHeaders = {}) => {
    const fixed = { ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...fixed, ...headers });
    stream.on('error', () => undefined);
    return stream;
  };
  return Object.assign(state, {
    service,
    server,
    session,
    begin,
    call(headers: OutgoingHttpHeaders = {}, body = framed(HELLO)): Promise<Answer> {
      const stream = begin(headers);
      stream.end(body);
      return answerOf(stream);
    },
    async stop() {
      session.destroy();
      await server.drain(0);
    },
  });
}

/** The result of {@link startUnaryServer}. */
export type UnaryServer = Awaited<ReturnType<typeof startUnaryServer>>;

/** A message with its prefix. */
export function framed(payload: Uint8Array, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** The whole answer of a stream. A status without a message is a header. */
export async function answerOf(stream: ReturnType<UnaryServer['begin']>): Promise<Answer> {
  const [header] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  let trailer = header;
  stream.once('trailers', (received: IncomingHttpHeaders) => {
    trailer = received;
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { header, trailer, body: Buffer.concat(chunks) };
}

/** What a status says, as its client reads it. */
export function statusIn(headers: IncomingHttpHeaders) {
  return { code: Number(headers['grpc-status']), message: decodeURI(String(headers['grpc-message'])) };
}

/** A field of `bytes` zeros that is in no contract. */
export function unknownField(bytes: number): Buffer {
  const tag = (100 << 3) | 2;
  return Buffer.concat([Buffer.from([...varint(tag), ...varint(bytes)]), Buffer.alloc(bytes)]);
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
