import type { OutgoingHttpHeaders } from 'node:http';
import { Metadata } from '@rondo/rpc/call';
import type { HttpExchange } from '../listener/exchange.js';
import type { Codec } from './codec.js';
import { envelop } from './envelope.js';
import { createEnvelopedFrontEnd, type EnvelopedProtocol, UNCOMPRESSED } from './enveloped-call.js';
import { grpcHeaders, grpcSettings } from './grpc.js';
import { errorTrailers, okTrailers } from './grpc-status.js';
import type { FrontEnd, FrontEndOptions } from './inbound-call.js';
import { addMetadata } from './metadata.js';

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
  const end = (exchange: HttpExchange, trailers: OutgoingHttpHeaders, last?: Buffer) => {
    const frame = envelop(trailerBlock(trailers), TRAILERS);
    const encoded = text ? Buffer.from(frame.toString('base64')) : frame;
    exchange.end(last === undefined ? encoded : Buffer.concat([last, encoded]));
  };
  const protocol: EnvelopedProtocol = {
    codec,
    text,
    settings: grpcSettings,
    respond(exchange, header, { compress }) {
      const headers = grpcHeaders(contentType, compress);
      addMetadata(headers, header, options);
      exchange.respond(200, headers);
    },
    succeed: (exchange, trailer, last) => end(exchange, okTrailers(trailer, options), last),
    fail(exchange, error) {
      if (!exchange.responded) this.respond(exchange, error.header ?? new Metadata(), UNCOMPRESSED);
      end(exchange, errorTrailers(error, options));
    },
  };
  return createEnvelopedFrontEnd(protocol, options);
}

/** Trailers as the lines of an HTTP/1 header block. */
function trailerBlock(trailers: OutgoingHttpHeaders): Buffer {
  const lines = Object.entries(trailers).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((line) => `${key}: ${line}\r\n`),
  );
  return Buffer.from(lines.join(''), 'latin1');
}
