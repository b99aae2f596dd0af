import type { RpcError } from '@rondo/rpc/status';
import type { HttpExchange } from '../listener/exchange.js';
import { createConnectGetFrontEnd } from './connect-get.js';
import { createConnectStreamFrontEnd } from './connect-stream.js';
import { answerConnectError, createConnectUnaryFrontEnd } from './connect-unary.js';
import { createGrpcFrontEnd, createGrpcWebFrontEnd } from './grpc.js';
import type { FrontEnd, FrontEndOptions } from './inbound-call.js';

/** A protocol of calls, as dispatch knows it. */
export interface Protocol {
  /** The content types that a refused client is told of. */
  readonly contentTypes: readonly string[];
  /** How all its content types begin; undefined if requests that aren't calls have them too, as those of HTTP/JSON do. */
  readonly prefix: string | undefined;
  readonly methods: 'all' | 'unary' | 'streaming';
  /** Whether it can be spoken over HTTP/1.1. */
  readonly http1: boolean;
  /** Answers a call of a method that the gateway doesn't have. */
  readonly refuseUnknown: (exchange: HttpExchange, error: RpcError, frontEnd: FrontEnd) => void;
  readonly frontEnds: (options: FrontEndOptions) => readonly (readonly [contentType: string, frontEnd: FrontEnd])[];
}

const SUFFIXES = [
  ['', 'proto'],
  ['+proto', 'proto'],
  ['+json', 'json'],
] as const;
const CODECS = ['json', 'proto'] as const;
const refuseByStatus: Protocol['refuseUnknown'] = (exchange, error, frontEnd) => frontEnd.refuse(exchange, error);
const refuseByHttp: Protocol['refuseUnknown'] = (exchange, error) =>
  answerConnectError(exchange, error, { status: 404 });

/** Each protocol of calls. Requests to annotated paths, HTTP/JSON, are apart from them. */
export const PROTOCOLS: readonly Protocol[] = [
  {
    contentTypes: CODECS.map((codec) => `application/${codec}`),
    prefix: undefined,
    methods: 'unary',
    http1: true,
    refuseUnknown: refuseByHttp,
    frontEnds: (options) =>
      CODECS.map((codec) => [`application/${codec}`, createConnectUnaryFrontEnd(codec, options)] as const),
  },
  {
    contentTypes: CODECS.map((codec) => `application/connect+${codec}`),
    prefix: 'application/connect+',
    methods: 'streaming',
    http1: true,
    refuseUnknown: refuseByHttp,
    frontEnds: (options) =>
      CODECS.map((codec) => {
        const contentType = `application/connect+${codec}`;
        return [contentType, createConnectStreamFrontEnd(contentType, codec, options)] as const;
      }),
  },
  {
    contentTypes: ['application/grpc-web'],
    prefix: 'application/grpc-web',
    methods: 'all',
    http1: true,
    refuseUnknown: refuseByStatus,
    frontEnds: (options) =>
      SUFFIXES.flatMap(([suffix, codec]) =>
        [false, true].map((text) => {
          const contentType = `application/grpc-web${text ? '-text' : ''}${suffix}`;
          return [contentType, createGrpcWebFrontEnd({ contentType, codec, text }, options)] as const;
        }),
      ),
  },
  {
    contentTypes: ['application/grpc'],
    prefix: 'application/grpc',
    methods: 'all',
    // The status of a call is in trailers, which HTTP/1.1 doesn't have here.
    http1: false,
    refuseUnknown: refuseByStatus,
    frontEnds: (options) =>
      SUFFIXES.map(([suffix, codec]) => {
        const contentType = `application/grpc${suffix}`;
        return [contentType, createGrpcFrontEnd(contentType, codec, options)] as const;
      }),
  },
];

/** A content type of calls: its protocol, and what serves it. */
export interface Format {
  readonly protocol: Protocol;
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
  for (const protocol of PROTOCOLS) {
    for (const [contentType, frontEnd] of protocol.frontEnds(options)) formats.set(contentType, { protocol, frontEnd });
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
