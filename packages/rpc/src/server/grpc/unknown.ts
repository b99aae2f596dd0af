import type * as grpc from '@grpc/grpc-js';
import type { Policy } from '../../contract/index.js';
import { type Binding, serveStream } from './bind.js';

const identity = (bytes: Buffer): Buffer => bytes;
const NO_POLICY: Policy = { timeoutMs: undefined, defaultTimeoutMs: undefined, idempotency: 'unknown' };
/** No path, as those begin with a slash. */
const ANY = '*';
/** What a path is that the router is asked for; grpc-js itself refuses every other. */
const PATH = /^\/[\x21-\x7e]{1,255}$/;

/**
 * Has the router answer the calls of methods that aren't served, as it does over every other transport: its answer
 * proves to a Rondo client that no handler ran.
 *
 * grpc-js has no place for such a handler. Here its table of handlers is told to find one for every path; if a version
 * of grpc-js keeps no such table, it refuses these calls by itself, in words that prove the same.
 */
export function bindUnknown(server: grpc.Server, binding: Binding): void {
  const handlers: unknown = Reflect.get(server, 'handlers');
  if (!(handlers instanceof Map)) return;
  const known = handlers.get.bind(handlers);
  const refuse = (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
    const method = { path: call.getPath(), responseStream: false, policy: NO_POLICY };
    void serveStream(call, { stream: false, message: Buffer.alloc(0) }, { ...binding, method });
  };
  server.register(ANY, refuse, identity, identity, 'bidi');
  handlers.get = (path: unknown) => {
    const handler = path === ANY ? undefined : known(path);
    if (handler !== undefined || typeof path !== 'string' || !PATH.test(path)) return handler;
    return { ...known(ANY), path };
  };
}
