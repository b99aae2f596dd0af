import { type Clocks, dateOf } from '@rondo/base';
import type { Logger, Payload, ServerCall } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import { Metadata } from '../call/metadata.js';
import { type CallScope, runInScope } from '../call/scope.js';
import { ContextValues, callerIdentity, callPrincipal } from '../call/values.js';
import { encodeMessage } from '../contract/encode.js';
import type { Method } from '../contract/method.js';
import { mapMessages, untilAborted } from '../middleware/stream.js';
import { receivedAssertion } from '../principal/verify-principals.js';
import { validate } from '../status/invalid-argument.js';
import type { ReceivedWireCall } from '../transport/transport.js';
import { decodeAndRead, decodeRequest, type ReadRequest, type RequestReader } from './codec.js';
import type { MethodStats } from './method-stats.js';

/** What the router adds to a received call. */
export interface RoutedCallOptions {
  readonly method: Method;
  /** Reads the request for the handler, if it has a reader. */
  readonly reader: RequestReader | undefined;
  /** Counts the bytes of the request. */
  readonly stats: MethodStats;
  readonly startedAt: number;
  readonly clocks: Clocks;
  readonly traceId: string;
  /** The initial trailing metadata. */
  readonly trailer: Metadata;
  readonly logger: Logger;
}

/**
 * A received call as middleware and its handler see it. Properties that are costly and often unused are created when
 * they are first read. Each call defines them on itself, so that a copy by `{ ...call }` has them too.
 */
export class RoutedCall implements ServerCall {
  readonly method: Method;
  readonly metadata: Metadata;
  readonly context: CallContext;
  readonly traceId: string;
  readonly peer: string;
  readonly startedAt: number;
  readonly header = new Metadata();
  readonly trailer: Metadata;
  readonly values = new ContextValues();
  declare readonly deadline: Date | undefined;
  declare readonly callerDeadline: Date | undefined;
  declare readonly signal: AbortSignal;
  declare readonly previousAttempts: number;
  readonly request: Payload;
  declare readonly sendHeader: () => void;
  declare readonly log: Logger;
  readonly #logger: Logger;
  readonly #wire: ReceivedWireCall;
  readonly #clocks: Clocks;
  #log: Logger | undefined;

  constructor(wire: ReceivedWireCall, options: RoutedCallOptions) {
    const { method, startedAt, clocks, traceId, trailer, logger } = options;
    this.method = method;
    this.metadata = wire.metadata;
    this.context = wire.context;
    this.traceId = traceId;
    this.peer = wire.peer ?? '';
    this.startedAt = startedAt;
    this.trailer = trailer;
    if (wire.identity !== undefined) this.values.set(callerIdentity, wire.identity);
    const { received } = wire;
    if (received !== undefined) this.values.set(receivedAssertion, received);
    if (wire.principal !== undefined) this.values.set(callPrincipal, wire.principal);
    if (wire.request.stream) {
      this.request = { stream: true, messages: messagesOf(wire.request.messages, wire.context, options) };
    } else {
      options.stats.requestBytes += wire.request.message.length;
      this.request = new UnaryRequest(this, wire.request.message, options.reader);
    }
    this.#logger = logger;
    this.#wire = wire;
    this.#clocks = clocks;
    Object.defineProperty(this, 'deadline', RoutedCall.#deadline);
    Object.defineProperty(this, 'callerDeadline', RoutedCall.#callerDeadline);
    Object.defineProperty(this, 'signal', RoutedCall.#signal);
    Object.defineProperty(this, 'previousAttempts', RoutedCall.#previousAttempts);
    Object.defineProperty(this, 'sendHeader', RoutedCall.#sendHeader);
    Object.defineProperty(this, 'log', RoutedCall.#child);
  }

  static readonly #deadline: PropertyDescriptor = {
    enumerable: true,
    get(this: RoutedCall): Date | undefined {
      return this.#dateOf(this.context.endsAt);
    },
  };

  static readonly #callerDeadline: PropertyDescriptor = {
    enumerable: true,
    get(this: RoutedCall): Date | undefined {
      return this.#dateOf(this.#wire.deadline);
    },
  };

  #dateOf(point: number | undefined): Date | undefined {
    return point === undefined ? undefined : dateOf(point, this.#clocks);
  }

  static readonly #signal: PropertyDescriptor = {
    enumerable: true,
    get(this: RoutedCall): AbortSignal {
      return this.context.signal;
    },
  };

  static readonly #previousAttempts: PropertyDescriptor = {
    enumerable: true,
    get(this: RoutedCall): number {
      return this.#wire.previousAttempts ?? 0;
    },
  };

  static readonly #sendHeader: PropertyDescriptor = {
    enumerable: true,
    get(this: RoutedCall): () => void {
      return () => this.#wire.sendHeader?.(this.header);
    },
  };

  static readonly #child: PropertyDescriptor = {
    enumerable: true,
    get(this: RoutedCall): Logger {
      this.#log ??= this.#logger.child({ method: this.method.path, traceId: this.traceId });
      return this.#log;
    },
  };
}

/** The requests for the handler. They end with the call, so that a handler which waits for a message doesn't outlive it. */
function messagesOf(
  received: AsyncIterable<Uint8Array>,
  { signal }: CallContext,
  { method, stats }: RoutedCallOptions,
): AsyncIterable<unknown> {
  return mapMessages(untilAborted(received, signal), (bytes) => {
    stats.requestBytes += bytes.length;
    return decodeRequest(method, bytes);
  });
}

/** One message, which is decoded when it is first read: a call that is refused early doesn't pay for it. */
class UnaryRequest {
  readonly stream = false;
  readonly #scope: CallScope;
  readonly #bytes: Uint8Array;
  readonly #reader: RequestReader | undefined;
  #decoded: ReadRequest | undefined;

  constructor(scope: CallScope, bytes: Uint8Array, reader: RequestReader | undefined) {
    this.#scope = scope;
    this.#bytes = bytes;
    this.#reader = reader;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get message(): unknown {
    return this.#decode().message;
  }

  /** What the handler's reader makes of the message. */
  get read(): unknown {
    return this.#decode().read;
  }

  #decode(): ReadRequest {
    if (this.#decoded !== undefined) return this.#decoded;
    const { method } = this.#scope;
    const reader = this.#reader;
    // A reader may depend on the caller, whichever middleware reads the request first.
    this.#decoded =
      reader === undefined
        ? { message: decodeRequest(method, this.#bytes) }
        : runInScope(this.#scope, () => decodeAndRead(method, this.#bytes, reader));
    return this.#decoded;
  }
}

/** What a handler's reader makes of the request, also if middleware has replaced it. */
export function readRequest({ request }: ServerCall, reader: RequestReader): unknown {
  if (request instanceof UnaryRequest) return request.read;
  return validate((field) => reader(request.stream ? undefined : request.message, field));
}

/** The request of a unary call as it was received, or, if middleware has replaced it, as it is encoded. */
export function encodedRequest({ method: { requestType }, request }: ServerCall): Uint8Array {
  if (request instanceof UnaryRequest) return request.bytes;
  const message = request.stream ? undefined : request.message;
  if (typeof message !== 'object' || message === null)
    throw new TypeError('a middleware has replaced the request by none');
  return encodeMessage(requestType, requestType.fromPartial(message));
}
