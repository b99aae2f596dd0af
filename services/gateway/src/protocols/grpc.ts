import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { acceptsGzip } from '../edge/compress.js';
import type { Codec } from './codec.js';
import { ACCEPTED, encodingOf } from './compression.js';
import { createEnvelopedFrontEnd, type EnvelopedSettings, enveloped } from './enveloped-call.js';
import { trailersOf } from './grpc-status.js';
import type { FrontEnd, FrontEndOptions } from './inbound-call.js';
import { grpcTimeoutMs } from './timeout.js';

/**
 * Serves gRPC: messages in envelopes, and the status in HTTP/2 trailers. Source:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function createGrpcFrontEnd(contentType: string, codec: Codec, options: FrontEndOptions): FrontEnd {
  const protocol = { codec, text: false, settings: grpcSettings, headers: grpcHeaders(contentType) };
  return createEnvelopedFrontEnd(
    { ...protocol, end: (exchange, { last, ...outcome }) => exchange.end(last, trailersOf(outcome, options)) },
    options,
  );
}

/** The flag of the envelope that holds the trailers. */
const TRAILERS = 0b1000_0000;

/** Which of the gRPC-Web formats a client speaks. */
export interface GrpcWebFormat {
  readonly contentType: string;
  readonly codec: Codec;
  /** Whether the bodies are base64: `application/grpc-web-text`. */
  readonly text: boolean;
}

/**
 * Serves gRPC-Web: gRPC with the trailers as the last envelope of the body, for browsers, which can't read trailers.
 * Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
 */
export function createGrpcWebFrontEnd({ contentType, codec, text }: GrpcWebFormat, options: FrontEndOptions): FrontEnd {
  const protocol = { codec, text, settings: grpcSettings, headers: grpcHeaders(contentType) };
  return createEnvelopedFrontEnd(
    {
      ...protocol,
      end(exchange, { last, ...outcome }) {
        const frame = enveloped(trailerBlock(trailersOf(outcome, options)), TRAILERS);
        const encoded = text ? Buffer.from(frame.toString('base64')) : frame;
        exchange.end(last === undefined ? encoded : Buffer.concat([last, encoded]));
      },
    },
    options,
  );
}

/**
 * Reads gRPC's headers of a call. As in other gRPC servers, replies are compressed only if the request was: most
 * clients announce gzip with every call, and would pay for it with every reply.
 *
 * @throws RpcError for a malformed timeout or an unknown encoding.
 */
function grpcSettings(headers: IncomingHttpHeaders): Omit<EnvelopedSettings, 'codec'> {
  const encoding = encodingOf('grpc-encoding', headers['grpc-encoding']);
  return {
    timeoutMs: grpcTimeoutMs(headers),
    encoding,
    compress: encoding === 'gzip' && acceptsGzip(headers['grpc-accept-encoding']),
  };
}

/** The headers of answers. Messages are compressed one by one, if `compress`. */
function grpcHeaders(contentType: string): (compress: boolean) => OutgoingHttpHeaders {
  const headers = { 'content-type': contentType, 'grpc-accept-encoding': ACCEPTED };
  return (compress) => (compress ? { ...headers, 'grpc-encoding': 'gzip' } : { ...headers });
}

/** Trailers as the lines of an HTTP/1 header block. */
function trailerBlock(trailers: OutgoingHttpHeaders): Buffer {
  const lines = Object.entries(trailers).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((line) => `${key}: ${line}\r\n`),
  );
  return Buffer.from(lines.join(''), 'latin1');
}
