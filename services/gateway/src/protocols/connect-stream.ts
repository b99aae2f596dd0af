import type { OutgoingHttpHeaders } from 'node:http';
import { Metadata } from '@rondo/rpc/call';
import type { RpcError } from '@rondo/rpc/status';
import { acceptsGzip } from '../edge/compress.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { Codec } from './codec.js';
import { ACCEPTED, encodingOf } from './compression.js';
import { endOfStream } from './connect-error.js';
import { requireConnectVersion } from './connect-unary.js';
import { envelop } from './envelope.js';
import { createEnvelopedFrontEnd, type EnvelopedProtocol, UNCOMPRESSED } from './enveloped-call.js';
import type { FrontEnd, FrontEndOptions } from './inbound-call.js';
import { addMetadata } from './metadata.js';
import { connectTimeoutMs } from './timeout.js';

/** The flag of the last envelope of an answer. */
const END_OF_STREAM = 0b10;

/**
 * Serves Connect's streams: messages in envelopes, the last of which holds the error and the trailing metadata. Source:
 * https://connectrpc.com/docs/protocol#streaming-rpcs
 */
export function createConnectStreamFrontEnd(contentType: string, codec: Codec, options: FrontEndOptions): FrontEnd {
  const end = (exchange: HttpExchange, trailer: Metadata, outcome: { error?: RpcError; last?: Buffer | undefined }) => {
    const trailers: OutgoingHttpHeaders = {};
    addMetadata(trailers, trailer, options);
    const frame = envelop(endOfStream(outcome.error, trailers), END_OF_STREAM);
    exchange.end(outcome.last === undefined ? frame : Buffer.concat([outcome.last, frame]));
  };
  const protocol: EnvelopedProtocol = {
    codec,
    text: false,
    settings(headers) {
      requireConnectVersion(headers['connect-protocol-version']);
      return {
        timeoutMs: connectTimeoutMs(headers['connect-timeout-ms']),
        encoding: encodingOf('connect-content-encoding', headers['connect-content-encoding']),
        compress: acceptsGzip(headers['connect-accept-encoding']),
      };
    },
    respond(exchange, header, { compress }) {
      const headers: OutgoingHttpHeaders = { 'content-type': contentType, 'connect-accept-encoding': ACCEPTED };
      if (compress) headers['connect-content-encoding'] = 'gzip';
      addMetadata(headers, header, options);
      exchange.respond(200, headers);
    },
    succeed: (exchange, trailer, last) => end(exchange, trailer, { last }),
    fail(exchange, error) {
      if (!exchange.responded) this.respond(exchange, error.header ?? new Metadata(), UNCOMPRESSED);
      end(exchange, error.metadata, { error });
    },
  };
  return createEnvelopedFrontEnd(protocol, options);
}
