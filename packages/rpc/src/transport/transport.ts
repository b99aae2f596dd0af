import type { Settle } from '@rondo/base';
import type { Payload, Reply } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import type { AttemptTimes, CallTimer } from '../call/call-timer.js';
import type { Metadata } from '../call/metadata.js';
import type { RequestArrival } from '../call/server-timing.js';
import type { Principal } from '../call/values.js';
import type { Compression } from '../contract/policy.js';
import type { ReceivedAssertion } from '../principal/verifier.js';
import { RpcError } from '../status/rpc-error.js';
import { TransportError } from '../status/wire-errors.js';
import type { MutualTls } from '../tls/mutual-tls.js';

/** A call as it crosses a connection: bytes, and nothing of the contract but the shape of the method. */
export interface WireCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly responseStream: boolean;
  readonly metadata: Metadata;
  /** Absolute deadline in milliseconds, by the clock in use; undefined for none. */
  readonly deadline: number | undefined;
  /**
   * Ends when the caller cancels. On the server the router has a context of its own for each call, and ends it at the
   * deadline too.
   */
  readonly context: CallContext;
  readonly request: Payload<Uint8Array>;
  /**
   * Says on whose behalf the call is made. The connection that carries the call sets it on the call itself, because
   * a copy of the call would be costly.
   */
  assertion?: string | undefined;
  /**
   * On whose behalf the call is made; missing for no one. On a received call only the in-memory network sets it; a
   * connection carries an assertion instead.
   */
  readonly principal?: Principal | undefined;
  /** The compression of the request; missing for the transport's own setting. */
  readonly compression?: Compression | undefined;
  /** How many attempts of the call were made before this one; missing for the first. */
  readonly previousAttempts?: number | undefined;
  /** Measures the call, on the client, if the caller wants to know its times. */
  readonly timer?: CallTimer | undefined;
  /** Measures the attempt, on the client. */
  readonly times?: AttemptTimes | undefined;
  /** Whether it goes by gRPC, although the server takes frames. */
  readonly plain?: boolean | undefined;
  /** Whether the call is in the background: it lasts as long as its connection and must not keep the process alive. */
  readonly background?: boolean;
}

/** A wire call as a server receives it. */
export interface ReceivedWireCall extends WireCall {
  /** The peer's address, if the transport knows it. */
  readonly peer?: string;
  /** The SPIFFE id of the client, if its certificate was verified. */
  readonly identity?: string | undefined;
  /** Says on whose behalf the call is made, if the connection has mutual TLS. It isn't verified yet. */
  readonly received?: ReceivedAssertion | undefined;
  /** How the transaction of a stored call ends it. Only the loopback of a process sets it. */
  readonly settle?: Settle | undefined;
  /** When the request began to arrive, if the client wants to know. */
  readonly arrival?: RequestArrival | undefined;
  /** Sends the response's header at once, if the transport can do this. */
  readonly sendHeader?: ((header: Metadata) => void) | undefined;
}

/** Answers a wire call: a transport on the client, the router on the server. It rejects with an {@link RpcError}. */
export type WireHandler = (call: WireCall) => Promise<Reply<Uint8Array>>;

/** The states of a connection. Source: https://grpc.github.io/grpc/core/md_doc_connectivity-semantics-and-api.html */
export type ConnectivityState = 'idle' | 'connecting' | 'ready' | 'transient_failure' | 'shutdown';

/** What the listeners of a transport hear: its new state, or that {@link Transport.silent} has changed. */
export type TransportEvent = ConnectivityState | 'silence';

/** One connection to one endpoint. It reconnects when it breaks. */
export interface Transport {
  readonly state: ConnectivityState;
  /**
   * Whether the peer is silent: it hasn't answered a ping yet, but the connection isn't given up yet. Missing if
   * the transport doesn't notice that.
   */
  readonly silent?: boolean;
  /** Why the connection can't be used, while it is in `transient_failure`. */
  readonly lastError: string | undefined;
  /** Calls `listener` on each change, until the returned function is called. */
  subscribe(listener: (event: TransportEvent) => void): () => void;
  /**
   * Resolves once the connection is ready. Rejects with a {@link TransportError} if this attempt fails, or with the
   * signal's reason.
   */
  connect(signal?: AbortSignal): Promise<void>;
  /** Resets the backoff: there is news of the endpoint, so a pending wait before the next attempt ends now. */
  resetBackoff?(): void;
  /**
   * Carries a call. A failure of the connection rejects with a {@link TransportError}; a failure that the server
   * answered doesn't.
   */
  readonly call: WireHandler;
  /** Fails the unary calls in flight whose context is among `contexts`: they are made elsewhere. */
  abandon?(contexts: ReadonlySet<CallContext>): void;
  /** Takes no more calls, and closes the connection after those in flight. */
  close(): void;
}

/** What a client knows of an endpoint before it connects. */
export interface TransportOptions {
  /** The shortest interval between keepalive pings that the server accepts. Milliseconds; missing if not known. */
  readonly minPingIntervalMs?: number | undefined;
  /** Whether the server takes calls in frames; missing if not known. */
  readonly frames?: boolean | undefined;
  /** Whether the server has mutual TLS; missing if not known. */
  readonly secure?: boolean | undefined;
  /** The names of the processes that may answer there; missing for any. */
  readonly servers?: readonly string[] | undefined;
  /**
   * Mutual TLS with the other processes of the system: the server has to be one of `servers`, wherever it runs. Plaintext if
   * missing.
   */
  readonly mutualTls?: MutualTls | undefined;
}

/** Creates the transport of an endpoint. It is called once for each. */
export type TransportFactory = (address: string, options?: TransportOptions) => Transport;

/** The functions of a transport that a wrapper replaces. */
export type TransportParts = Partial<Pick<Transport, 'connect' | 'call'>>;

/** A transport that delegates to `inner`, except for `parts`: for code that observes connections or calls. */
export function wrapTransport(inner: Transport, { connect, call }: TransportParts): Transport {
  return {
    get state() {
      return inner.state;
    },
    get silent() {
      return inner.silent ?? false;
    },
    get lastError() {
      return inner.lastError;
    },
    subscribe: (listener) => inner.subscribe(listener),
    connect: connect ?? ((signal) => inner.connect(signal)),
    resetBackoff: () => inner.resetBackoff?.(),
    call: call ?? inner.call,
    abandon: (contexts) => inner.abandon?.(contexts),
    close: () => inner.close(),
  };
}
