import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { Metadata } from '@rondo/rpc/call';
import { acceptsGzip } from '../edge/compress.js';
import type { Codec } from './codec.js';
import { ACCEPTED, encodingOf } from './compression.js';
import {
  createEnvelopedFrontEnd,
  type EnvelopedProtocol,
  type EnvelopedSettings,
  UNCOMPRESSED,
} from './enveloped-call.js';
import { errorTrailers, okTrailers } from './grpc-status.js';
import type { FrontEnd, FrontEndOptions } from './inbound-call.js';
import { addMetadata } from './metadata.js';
import { grpcTimeoutMs } from './timeout.js';

/**
 * Serves gRPC: messages in envelopes, and the status in HTTP/2 trailers. Source:
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export function createGrpcFrontEnd(contentType: string, codec: Codec, options: FrontEndOptions): FrontEnd {
  const protocol: EnvelopedProtocol = {
    codec,
    text: false,
    settings: grpcSettings,
    respond(exchange, header, { compress }) {
      const headers = grpcHeaders(contentType, compress);
      addMetadata(headers, header, options);
      exchange.respond(200, headers);
    },
    succeed: (exchange, trailer, last) => exchange.end(last, okTrailers(trailer, options)),
    fail(exchange, error) {
      const trailers = errorTrailers(error, options);
      const first = exchange.responded ? undefined : error.header;
      if (!exchange.responded) this.respond(exchange, first ?? new Metadata(), UNCOMPRESSED);
      // The exchange sends headers and trailers of one turn as one block, "Trailers-Only". Header metadata has its own.
      if (first === undefined || first.size === 0) exchange.end(undefined, trailers);
      else queueMicrotask(() => exchange.end(undefined, trailers));
    },
  };
  return createEnvelopedFrontEnd(protocol, options);
}

/**
 * Reads gRPC's headers of a call. As in other gRPC servers, replies are compressed only if the request was: most
 * clients announce gzip with every call, and would pay for it with every reply.
 *
 * @throws RpcError for a malformed timeout or an unknown encoding.
 */
export function grpcSettings(headers: IncomingHttpHeaders): Omit<EnvelopedSettings, 'codec'> {
  const encoding = encodingOf('grpc-encoding', headers['grpc-encoding']);
  return {
    timeoutMs: grpcTimeoutMs(headers['grpc-timeout']),
    encoding,
    compress: encoding === 'gzip' && acceptsGzip(headers['grpc-accept-encoding']),
  };
}

/** The headers of an answer. Its messages are compressed one by one, if `compress`. */
export function grpcHeaders(contentType: string, compress: boolean): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { 'content-type': contentType, 'grpc-accept-encoding': ACCEPTED };
  if (compress) headers['grpc-encoding'] = 'gzip';
  return headers;
}
