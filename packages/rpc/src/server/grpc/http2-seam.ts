import type { Http2Server, ServerOptions } from 'node:http2';
import type * as grpc from '@grpc/grpc-js';

/** Node's limits of reset streams, which the types of Node 20 don't know yet; Node 22.11 and later have them. */
export interface Http2Options extends ServerOptions {
  /** How many streams a client may reset at once. */
  readonly streamResetBurst?: number;
  /** How many more it may reset each second. */
  readonly streamResetRate?: number;
}

/** What is done to the HTTP/2 servers of a grpc-js server. */
export interface Http2Setup {
  readonly options: Http2Options;
  /** Sees each before grpc-js listens to it, and before it is bound. */
  readonly prepare: (http2Server: Http2Server) => void;
}

/**
 * Reaches the HTTP/2 servers that grpc-js makes for itself. It keeps them, and what they are made with, private; its
 * version is pinned, and `http2-seam.test.ts` fails if a later one is made otherwise. See ADR 0033.
 *
 * @throws TypeError if grpc-js is not of that make.
 */
export function setUpHttp2(server: grpc.Server, { options, prepare }: Http2Setup): void {
  const common: unknown = Reflect.get(server, 'commonServerOptions');
  const setUp: unknown = Reflect.get(server, '_setupHandlers');
  if (typeof common !== 'object' || common === null || typeof setUp !== 'function') {
    throw new TypeError("this version of @grpc/grpc-js doesn't let its HTTP/2 servers be set up: see ADR 0033");
  }
  Object.assign(common, options);
  const value = (http2Server: Http2Server, ...rest: readonly unknown[]) => {
    prepare(http2Server);
    return Reflect.apply(setUp, server, [http2Server, ...rest]);
  };
  Object.defineProperty(server, '_setupHandlers', { value, configurable: true });
}
