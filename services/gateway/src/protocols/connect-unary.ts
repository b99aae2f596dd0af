import type { OutgoingHttpHeaders } from 'node:http';
import type { RpcError } from '@rondo/rpc/status';
import { compress } from '../edge/compress.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { BackendReply } from './backend.js';
import { type Codec, replyEncoder, requestOf } from './codec.js';
import { ACCEPTED, encodingOf, inflate } from './compression.js';
import { connectErrorJson, connectHttpStatus } from './connect-error.js';
import { type CallSettings, type FrontEnd, type FrontEndOptions, InboundCall } from './inbound-call.js';
import { addMetadata } from './metadata.js';
import { connectTimeoutMs } from './timeout.js';

/** A unary request: its message, and how it was sent. */
export interface UnaryRequest extends CallSettings {
  readonly message: Buffer;
}

/** Reads a request. It throws an `RpcError` for one that is malformed. */
export type ReadUnary = (call: InboundCall) => Promise<UnaryRequest>;

/**
 * Serves Connect's unary calls by POST: the body is the message, trailing metadata are headers, an error is JSON with an
 * HTTP status. Source: https://connectrpc.com/docs/protocol#unary-rpcs
 */
export function createConnectUnaryFrontEnd(codec: Codec, options: FrontEndOptions): FrontEnd {
  const { maxMessageBytes } = options;
  const read: ReadUnary = async (call) => {
    const { headers, body } = call.exchange;
    requireConnectVersion(headers['connect-protocol-version']);
    const settings = { codec, timeoutMs: connectTimeoutMs(headers) };
    const encoding = encodingOf('content-encoding', headers['content-encoding']);
    const whole = await call.read(body.whole(maxMessageBytes), settings.timeoutMs);
    return {
      ...settings,
      message: encoding === 'gzip' ? await inflate(whole, { body, maxBytes: maxMessageBytes }) : whole,
    };
  };
  return createUnaryFrontEnd(read, options);
}

/** Serves unary calls whose requests `read` reads. */
export function createUnaryFrontEnd(read: ReadUnary, options: FrontEndOptions): FrontEnd {
  return {
    serve(exchange, target) {
      exchange.answerHeaders['x-content-type-options'] = 'nosniff';
      void serveConnectUnary(new InboundCall(exchange, target, options), read, options);
    },
    refuse: (exchange, error) => answerConnectError(exchange, error),
  };
}

async function serveConnectUnary(call: InboundCall, read: ReadUnary, options: FrontEndOptions): Promise<void> {
  try {
    const metadata = call.metadata();
    const { message, codec, timeoutMs } = await read(call);
    const { target, refuse } = call;
    const request = requestOf({ stream: false, message }, { target, codec, refuse });
    const reply = await call.send(request, metadata, timeoutMs);
    const { body, headers } = await toAnswer(call, reply, codec);
    call.finish(() => {
      addMetadata(headers, reply.header, options);
      addMetadata(headers, reply.trailer, { prefix: 'trailer-', servedBy: options.servedBy });
      call.exchange.respond(200, headers);
      call.exchange.end(body);
    });
  } catch (fault) {
    const error = call.errorOf(fault);
    call.exchange.body.discard();
    call.finish(() => answerConnectError(call.exchange, error, { servedBy: options.servedBy }));
  }
}

async function toAnswer(
  { exchange, target }: InboundCall,
  { response, from }: BackendReply,
  codec: Codec,
): Promise<{ body: Uint8Array; headers: OutgoingHttpHeaders }> {
  if (response.stream) throw new TypeError('a unary method answers with one message');
  const message = replyEncoder(target, codec, from)(response.message);
  const headers: OutgoingHttpHeaders = {
    'content-type': codec === 'json' ? 'application/json' : 'application/proto',
    'accept-encoding': ACCEPTED,
  };
  const body = await compress(message, exchange, headers);
  return { body, headers: { ...headers, 'content-length': body.length } };
}

/** Answers a unary call with an error. `status`: the HTTP status, if it isn't that of the error's code. */
export function answerConnectError(
  exchange: HttpExchange,
  error: RpcError,
  {
    servedBy = false,
    status = connectHttpStatus(error),
  }: { readonly servedBy?: boolean; readonly status?: number } = {},
): void {
  const body = Buffer.from(JSON.stringify(connectErrorJson(error)));
  const headers: OutgoingHttpHeaders = {
    'content-type': 'application/json',
    'content-length': body.length,
    'accept-encoding': ACCEPTED,
  };
  if (error.header !== undefined) addMetadata(headers, error.header, { servedBy });
  addMetadata(headers, error.metadata, { prefix: 'trailer-', servedBy });
  exchange.respond(status, headers);
  exchange.end(body);
}

/** @throws RpcError `INVALID_ARGUMENT` for a version of the protocol that isn't 1. The header is optional. */
export function requireConnectVersion(version: string | readonly string[] | undefined): void {
  if (version === undefined || version === '1') return;
  throw gatewayErrors.OTHER_CONNECT_VERSION();
}
