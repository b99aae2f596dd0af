import { type Clocks, dateOf } from '@rondo/base';
import type { Logger, Payload, ServerCall } from '../call/call.js';
import type { CallContext } from '../call/call-context.js';
import { Metadata } from '../call/metadata.js';
import { type CallScope, runInScope } from '../call/scope.js';
import { ContextValues, callerIdentity, callPrincipal, callSettle } from '../call/values.js';
import type { RuleViolation } from '../contract/definition.js';
import { encodeMessage } from '../contract/encode.js';
import type { Method } from '../contract/method.js';
import { serverErrors } from '../errors/server.js';
import { inRounds, mapMessages, untilAborted } from '../middleware/stream.js';
import { receivedAssertion } from '../principal/verify-principals.js';
import { type FieldAt, invalidArgument, MAX_VIOLATIONS, validate, validateWith } from '../status/invalid-argument.js';
import type { FieldViolation } from '../status/violation.js';
import type { ReceivedWireCall } from '../transport/transport.js';
import type { MethodStats } from './method-stats.js';

/** What the router adds to a received call. */
export interface RoutedCallOptions {
  readonly method: Method;
  /** Reads the request for the handler, if it has a reader. */
  readonly reader: RequestReader | undefined;
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
    if (wire.settle !== undefined) this.values.set(callSettle, wire.settle);
    if (wire.request.stream) {
      this.request = { stream: true, messages: messagesOf(wire.request.messages, wire.context, options) };
    } else {
      options.stats.requestBytes += wire.request.message.length;
      this.request = new UnaryRequest(this, wire.request.message, options.reader);
    }
    this.#logger = logger;
    this.#wire = wire;
    this.#clocks = clocks;
    Object.defineProperties(this, RoutedCall.#lazy);
  }

  static readonly #lazy: PropertyDescriptorMap = {
    deadline: lazy((call) => call.#dateOf(call.context.endsAt)),
    callerDeadline: lazy((call) => call.#dateOf(call.#wire.deadline)),
    signal: lazy((call) => call.context.signal),
    previousAttempts: lazy((call) => call.#wire.previousAttempts ?? 0),
    sendHeader: lazy((call) => () => call.#wire.sendHeader?.(call.header)),
    log: lazy((call) => {
      call.#log ??= call.#logger.child({ method: call.method.path, traceId: call.traceId });
      return call.#log;
    }),
  };

  #dateOf(point: number | undefined): Date | undefined {
    return point === undefined ? undefined : dateOf(point, this.#clocks);
  }
}

function lazy(read: (call: RoutedCall) => unknown): PropertyDescriptor {
  return {
    enumerable: true,
    get(this: RoutedCall) {
      return read(this);
    },
  };
}

/** How many requests of a stream its handler reads in a row: an empty one takes 5 bytes of what a client may send ahead. */
const MESSAGES_A_ROUND = 256;

/** The requests for the handler. They end with the call, so that a handler which waits for a message doesn't outlive it. */
function messagesOf(
  received: AsyncIterable<Uint8Array>,
  { signal }: CallContext,
  { method, stats }: RoutedCallOptions,
): AsyncIterable<unknown> {
  return mapMessages(untilAborted(inRounds(received, MESSAGES_A_ROUND), signal), (bytes) => {
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

  /** What the handler's reader makes of the message; undefined for another reader, or another message. */
  readBy(reader: RequestReader, message: unknown): ReadRequest | undefined {
    return reader === this.#reader && message === this.message ? this.#decode() : undefined;
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

/** What a handler's reader makes of its request, also if middleware or another handler has replaced it. */
export function readRequest({ request }: ServerCall, reader: RequestReader, given: unknown): unknown {
  const early = request instanceof UnaryRequest ? request.readBy(reader, given) : undefined;
  return early === undefined ? validate((field) => reader(given, field)) : early.read;
}

/** The request of a unary call as it was received, or, if middleware has replaced it, as it is encoded. */
export function encodedRequest({ method: { requestType }, request }: ServerCall): Uint8Array {
  if (request instanceof UnaryRequest) return request.bytes;
  const message = request.stream ? undefined : request.message;
  if (typeof message !== 'object' || message === null)
    throw new TypeError('a middleware has replaced the request by none');
  return encodeMessage(requestType, requestType.fromPartial(message));
}

/**
 * Decodes a message of the request for its handler, and checks it by the contract's rules.
 *
 * @throws RpcError `INVALID_ARGUMENT` with every violation, or if the bytes can't be decoded.
 */
export function decodeRequest(method: Method, bytes: Uint8Array): unknown {
  const { requestType } = method;
  const { checked } = requestType;
  if (checked === undefined) return decoded(method, requestType, bytes);
  const request = decoded(method, checked, bytes);
  const violations = request.violations();
  if (violations.length > 0) throw invalidArgument(violations.map(toFieldViolation));
  return request.message;
}

/** Decodes the request of a unary call, and reads it by a handler's own reader; all violations are reported together. */
export function decodeAndRead(method: Method, bytes: Uint8Array, read: RequestReader): ReadRequest {
  const { requestType } = method;
  const { checked } = requestType;
  if (checked === undefined) {
    const message = decoded(method, requestType, bytes);
    return { message, read: validate((field) => read(message, field)) };
  }
  const request = decoded(method, checked, bytes);
  const { message } = request;
  const found = request.violations();
  // No more are looked for, so the next may have been one that isn't deferred.
  const isDeferred = found.length === 0 || found.length >= MAX_VIOLATIONS ? undefined : read.deferred?.(message);
  const violations = isDeferred === undefined ? found : found.filter((one) => !isDeferred(one));
  return { message, read: readChecked(violations, (field) => read(message, field)) };
}

/** Reads a message whose violations of the contract are known. */
export function readChecked<T>(violations: readonly RuleViolation[], read: (field: FieldAt) => T): T {
  return validateWith(violations.map(toFieldViolation), read);
}

/** Reads a decoded request, and reports what is wrong with it. */
export interface RequestReader {
  (message: unknown, field: FieldAt): unknown;
  /** Which violations of the contract's rules in a message the handler itself looks for later. */
  readonly deferred?: ((message: unknown) => (violation: RuleViolation) => boolean) | undefined;
}

/** A decoded request, and what a handler's own reader makes of it; `read` is undefined without one. */
export interface ReadRequest {
  readonly message: unknown;
  readonly read?: unknown;
}

function decoded<T>(method: Method, type: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
  try {
    return type.decode(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw serverErrors.FOREIGN_REQUEST({ path: method.path, reason }, { cause });
  }
}

function toFieldViolation({ field, rule, text }: RuleViolation): FieldViolation {
  return { field, description: `${text} (${rule})` };
}

/** The messages passed to {@link encodeOnce}, with their bytes once they are encoded. */
const encodedOnce = new WeakMap<object, Uint8Array | undefined>();

/**
 * Marks a message that many calls are answered with, such as an event for all watchers of a resource. It is encoded for
 * the first call, and its bytes are reused for the others. Don't change the message afterwards.
 *
 * @returns `message` itself.
 */
export function encodeOnce<M extends object>(message: M): M {
  if (!encodedOnce.has(message)) encodedOnce.set(message, undefined);
  return message;
}

/** Encodes a reply for a store. If the handler then returns the same object, it is sent as it was stored. */
export function encodedAs(method: Method, message: object): Uint8Array {
  const bytes = encodeResponse(method, message);
  encodedOnce.set(message, bytes);
  return bytes;
}

/** Decodes a reply from a store. Its bytes are sent as they were stored, also if this version doesn't know all of its fields. */
export function decodedFrom({ responseType }: Method, bytes: Uint8Array): unknown {
  const message: unknown = responseType.decode(bytes);
  if (typeof message === 'object' && message !== null) encodedOnce.set(message, bytes);
  return message;
}

/** Encodes a message of the reply. If it can't be encoded, that is the handler's fault. */
export function encodeResponse(method: Method, message: unknown): Uint8Array {
  if (typeof message !== 'object' || message === null) {
    throw new TypeError(`${method.path}: the handler returned ${String(message)} where its contract has a message`);
  }
  const present = encodedOnce.get(message);
  if (present !== undefined) return present;
  const bytes = encodeMessage(method.responseType, method.responseType.fromPartial(message));
  if (encodedOnce.has(message)) encodedOnce.set(message, bytes);
  return bytes;
}
