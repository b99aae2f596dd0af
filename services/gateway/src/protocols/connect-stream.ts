import type { OutgoingHttpHeaders } from 'node:http';
import { acceptsGzip } from '../edge/compress.js';
import type { Codec } from './codec.js';
import { ACCEPTED, encodingOf } from './compression.js';
import { endOfStream } from './connect-error.js';
import { requireConnectVersion } from './connect-unary.js';
import { createEnvelopedFrontEnd, enveloped } from './enveloped-call.js';
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
  return createEnvelopedFrontEnd(
    {
      codec,
      text: false,
      settings(headers) {
        requireConnectVersion(headers['connect-protocol-version']);
        return {
          timeoutMs: connectTimeoutMs(headers),
          encoding: encodingOf('connect-content-encoding', headers['connect-content-encoding']),
          compress: acceptsGzip(headers['connect-accept-encoding']),
        };
      },
      headers: (compress) => ({
        'content-type': contentType,
        'connect-accept-encoding': ACCEPTED,
        ...(compress && { 'connect-content-encoding': 'gzip' }),
      }),
      end(exchange, { error, trailer, last }) {
        const trailers: OutgoingHttpHeaders = {};
        addMetadata(trailers, trailer, options);
        const frame = enveloped(endOfStream(error, trailers), END_OF_STREAM);
        exchange.end(last === undefined ? frame : Buffer.concat([last, frame]));
      },
    },
    options,
  );
}
