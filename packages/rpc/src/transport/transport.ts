import type { CallLimit, Metadata, Payload, Reply } from '../call/index.js';
import type { Compression } from '../contract/index.js';
import { RpcError, type RpcErrorOptions, type Status } from '../status/index.js';

/** A call as it crosses a connection: bytes, and nothing of a contract but its shape. */
export interface WireCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly responseStream: boolean;
  readonly metadata: Metadata;
  /** By the clock in use; undefined for none. */
  readonly deadline: number | undefined;
  /** Ends when the caller has gone away. The router, which no other call shares it with, ends it at the deadline, too. */
  readonly limit: CallLimit;
  readonly request: Payload<Uint8Array>;
  /** The other end's address, as far as the transport knows it; empty on the way out. */
  readonly peer: string;
  /** How its request is compressed; as the transport is configured where it is missing. */
  readonly compression?: Compression | undefined;
  /** Sends the response's header ahead of all else; there for a call that was received, if its transport can. */
  readonly sendHeader?: ((header: Metadata) => void) | undefined;
  /** Whether it keeps no process alive, as it goes on for as long as its connection does. */
  readonly background?: boolean;
}

/** What answers a wire call: a transport on one side, the router on the other. Failures are {@link RpcError}s. */
export type WireHandler = (call: WireCall) => Promise<Reply<Uint8Array>>;

/** The states of a connection. Source: https://grpc.github.io/grpc/core/md_doc_connectivity-semantics-and-api.html */
export type ConnectivityState = 'idle' | 'connecting' | 'ready' | 'transient_failure' | 'shutdown';

/** One connection to one endpoint, made again whenever it breaks. */
export interface Transport {
  readonly state: ConnectivityState;
  /** Why it can't be used, while it is in `transient_failure`. */
  readonly lastError: string | undefined;
  /** Tells each change of state, until the returned function is called. */
  subscribe(listener: (state: ConnectivityState) => void): () => void;
  /** Resolves once it is ready; rejects with a {@link TransportError} where this attempt fails, or with the signal. */
  connect(signal?: AbortSignal): Promise<void>;
  /** There is news of the endpoint: ends the wait before the next attempt, where it waits for one. */
  hurry?(): void;
  /** Carries a call. A failure that is the connection's, not the server's, is a {@link TransportError}. */
  readonly call: WireHandler;
  /** Ends the connection; calls in flight fail. */
  close(): void;
}

/** What is known of an endpoint before there is a connection to it. */
export interface TransportOptions {
  /** The shortest time between keepalive pings that its server puts up with. Milliseconds; not known where missing. */
  readonly minPingIntervalMs?: number | undefined;
}

/** Makes transports. It is asked once for each endpoint. */
export type TransportFactory = (address: string, options?: TransportOptions) => Transport;

/**
 * What is known of a call whose connection failed: it never left this process (`unsent`), it was sent but reached no
 * handler (`never`), or it may have reached one.
 */
export type Reach = 'unsent' | 'never' | 'unknown';

/** What a {@link TransportError} is made from. */
interface TransportErrorOptions extends RpcErrorOptions {
  readonly reach: Reach;
  readonly foreign?: boolean;
}

/** A failure of the connection, with what it means for the call. Callers see it as a plain {@link RpcError}. */
export class TransportError extends RpcError {
  readonly reach: Reach;
  /** Whether what answered speaks HTTP/2, but not gRPC: the next call would fare no better. */
  readonly foreign: boolean;

  constructor(code: Status, message: string, { reach, foreign = false, ...options }: TransportErrorOptions) {
    super(code, message, options);
    this.reach = reach;
    this.foreign = foreign;
  }
}

/** What is put in the place of a transport's own. */
export type TransportParts = Partial<Pick<Transport, 'connect' | 'call'>>;

/** A transport that does as `inner` does, but for `parts`: what watches connections or calls stands around them so. */
export function wrapTransport(inner: Transport, { connect, call }: TransportParts): Transport {
  return {
    get state() {
      return inner.state;
    },
    get lastError() {
      return inner.lastError;
    },
    subscribe: (listener) => inner.subscribe(listener),
    connect: connect ?? ((signal) => inner.connect(signal)),
    hurry: () => inner.hurry?.(),
    call: call ?? inner.call,
    close: () => inner.close(),
  };
}
