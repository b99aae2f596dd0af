import { createConnectGetFrontEnd } from './connect-get.js';
import { createConnectStreamFrontEnd } from './connect-stream.js';
import { createConnectUnaryFrontEnd } from './connect-unary.js';
import { createGrpcFrontEnd } from './grpc.js';
import { createGrpcWebFrontEnd } from './grpc-web.js';
import type { FrontEnd, FrontEndOptions } from './inbound-call.js';

/** A content type of calls, and what serves it. */
export interface Format {
  readonly protocol: 'grpc' | 'grpc-web' | 'connect-stream' | 'connect-unary';
  readonly frontEnd: FrontEnd;
}

/** What serves each content type. */
export interface Formats {
  /** The format of a content type, whatever its parameters; undefined if it isn't one of calls. */
  of(contentType: string | undefined): Format | undefined;
  /** Connect by GET, by the codec that the query names. */
  readonly get: Readonly<Record<'proto' | 'json', FrontEnd>>;
}

/** Creates what serves each content type. */
export function createFormats(options: FrontEndOptions): Formats {
  const formats = new Map<string, Format>();
  for (const [suffix, codec] of [
    ['', 'proto'],
    ['+proto', 'proto'],
    ['+json', 'json'],
  ] as const) {
    const grpc = `application/grpc${suffix}`;
    formats.set(grpc, { protocol: 'grpc', frontEnd: createGrpcFrontEnd(grpc, codec, options) });
    for (const text of [false, true]) {
      const contentType = `application/grpc-web${text ? '-text' : ''}${suffix}`;
      const frontEnd = createGrpcWebFrontEnd({ contentType, codec, text }, options);
      formats.set(contentType, { protocol: 'grpc-web', frontEnd });
    }
  }
  for (const codec of ['proto', 'json'] as const) {
    const stream = `application/connect+${codec}`;
    formats.set(stream, { protocol: 'connect-stream', frontEnd: createConnectStreamFrontEnd(stream, codec, options) });
    formats.set(`application/${codec}`, {
      protocol: 'connect-unary',
      frontEnd: createConnectUnaryFrontEnd(codec, options),
    });
  }
  return {
    // Most clients send exactly a key of the map.
    of: (contentType = '') => formats.get(contentType) ?? formats.get(withoutParameters(contentType)),
    get: { proto: createConnectGetFrontEnd('proto', options), json: createConnectGetFrontEnd('json', options) },
  };
}

function withoutParameters(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}
