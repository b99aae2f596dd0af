import type { RpcError } from '@rondo/rpc/status';
import type { HttpExchange } from '../listener/exchange.js';
import { createConnectGetFrontEnd } from './connect-get.js';
import { createConnectStreamFrontEnd } from './connect-stream.js';
import { answerConnectError, createConnectUnaryFrontEnd } from './connect-unary.js';
import { createGrpcFrontEnd, createGrpcWebFrontEnd } from './grpc.js';
import type { FrontEnd, FrontEndOptions } from './inbound-call.js';

/** A protocol of calls, as dispatch knows it. */
export interface Protocol {
  /** The content types in the refusal of another. */
  readonly contentTypes: readonly string[];
  /** The prefix of its content types; undefined for HTTP/JSON, whose content types other requests have, too. */
  readonly prefix: string | undefined;
  readonly methods: 'all' | 'unary' | 'streaming';
  /** Whether it can be spoken over HTTP/1.1. */
  readonly http1: boolean;
  /** Answers a call of a method that the gateway doesn't have. */
  readonly refuseUnknown: (exchange: HttpExchange, error: RpcError, frontEnd: FrontEnd) => void;
}

const CODECS = ['json', 'proto'] as const;
const byStatus: Protocol['refuseUnknown'] = (exchange, error, frontEnd) => frontEnd.refuse(exchange, error);
const byHttp: Protocol['refuseUnknown'] = (exchange, error) => answerConnectError(exchange, error, { status: 404 });

const CONNECT_UNARY: Protocol = {
  contentTypes: CODECS.map((codec) => `application/${codec}`),
  prefix: undefined,
  methods: 'unary',
  http1: true,
  refuseUnknown: byHttp,
};
const CONNECT_STREAM: Protocol = {
  contentTypes: CODECS.map((codec) => `application/connect+${codec}`),
  prefix: 'application/connect+',
  methods: 'streaming',
  http1: true,
  refuseUnknown: byHttp,
};
const GRPC_WEB: Protocol = {
  contentTypes: ['application/grpc-web'],
  prefix: 'application/grpc-web',
  methods: 'all',
  http1: true,
  refuseUnknown: byStatus,
};
// The status of a call is in trailers, which HTTP/1.1 doesn't have here.
const GRPC: Protocol = { ...GRPC_WEB, contentTypes: ['application/grpc'], prefix: 'application/grpc', http1: false };

/** Each protocol of calls. Requests to annotated paths, HTTP/JSON, are apart from them. */
export const PROTOCOLS: readonly Protocol[] = [CONNECT_UNARY, CONNECT_STREAM, GRPC_WEB, GRPC];

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

export function createFormats(options: FrontEndOptions): Formats {
  const formats = new Map<string, Format>();
  const add = (contentType: string, protocol: Protocol, create: (contentType: string) => FrontEnd) =>
    formats.set(contentType, { protocol, frontEnd: create(contentType) });
  for (const codec of CODECS) {
    add(`application/${codec}`, CONNECT_UNARY, () => createConnectUnaryFrontEnd(codec, options));
    add(`application/connect+${codec}`, CONNECT_STREAM, (type) => createConnectStreamFrontEnd(type, codec, options));
  }
  for (const suffix of ['', '+proto', '+json']) {
    const codec = suffix === '+json' ? 'json' : 'proto';
    add(`application/grpc${suffix}`, GRPC, (type) => createGrpcFrontEnd(type, codec, options));
    for (const text of [false, true]) {
      const create = (contentType: string) => createGrpcWebFrontEnd({ contentType, codec, text }, options);
      add(`application/grpc-web${text ? '-text' : ''}${suffix}`, GRPC_WEB, create);
    }
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
