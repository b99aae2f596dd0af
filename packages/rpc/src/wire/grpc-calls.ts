import type { Method } from '../contract/method.js';
import type { Policy } from '../contract/policy.js';
import { METHOD_PATH, TUNNEL_PATH } from '../transport/tunnel/frames.js';
import { Answer, type GrpcOptions, type OpenedStream } from './answer.js';
import { type CallInFlight, GrpcCall } from './grpc-call.js';
import { readTimeout } from './headers.js';
import { quotable, refusalOf, TIMEOUT } from './refusal.js';

/** Options of {@link GrpcCalls}. */
export interface GrpcCallsOptions extends GrpcOptions {
  readonly methods: readonly Method[];
  /** Runs when a call begins. The returned function runs when the call has ended. */
  readonly begin: (call: CallInFlight) => () => void;
  /** Serves a tunnel; missing if the server has none. */
  readonly tunnel?: ((opened: OpenedStream) => void) | undefined;
}

const NO_POLICY: Policy = { timeoutMs: undefined, defaultTimeoutMs: undefined, idempotency: 'unknown' };

/** The gRPC calls of a server, on the HTTP/2 streams of its connections. */
export class GrpcCalls {
  readonly #methods: ReadonlyMap<unknown, Method>;
  readonly #options: GrpcCallsOptions;

  constructor(options: GrpcCallsOptions) {
    this.#methods = new Map(options.methods.map((method) => [method.path, method]));
    this.#options = options;
  }

  /** Serves a stream, or refuses it. The router answers calls of methods that aren't served: that proves that no handler ran. */
  take(opened: OpenedStream, rawHeaders: readonly string[]): void {
    const { stream, headers } = opened;
    // What breaks a stream also closes it.
    if (stream.destroyed || stream.closed) return void stream.on('error', ignore);
    const timeoutMs = readTimeout(headers[TIMEOUT]);
    const refusal = refusalOf(headers, rawHeaders, timeoutMs);
    if (refusal !== undefined) {
      new Answer(stream, this.#options.clock).refuse(refusal);
      return;
    }
    const path = headers[':path'];
    const { tunnel, begin } = this.#options;
    if (path === TUNNEL_PATH && tunnel !== undefined) {
      tunnel(opened);
      return;
    }
    const method = this.#methods.get(path);
    if (method === undefined) {
      new GrpcCall({ opened, method: unserved(path), timeoutMs }, this.#options).refuse();
      return;
    }
    const call = new GrpcCall({ opened, method, timeoutMs }, this.#options);
    call.receive(begin(call));
  }
}

function unserved(path = ''): Pick<Method, 'path' | 'requestStream' | 'responseStream' | 'policy'> {
  const named = METHOD_PATH.test(path) ? path : quotable(path);
  return { path: named, requestStream: false, responseStream: false, policy: NO_POLICY };
}

function ignore(): void {}
