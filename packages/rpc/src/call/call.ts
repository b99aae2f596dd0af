import type { Method } from '../contract/method.js';
import type { CallContext } from './call-context.js';
import type { Metadata } from './metadata.js';
import type { ContextValues } from './values.js';

/** One message or a stream of messages; the method decides which. */
export type Payload<M = unknown> =
  | { readonly stream: false; readonly message: M }
  | { readonly stream: true; readonly messages: AsyncIterable<M> };

/** One call as middleware sees it, on the client and on the server. */
export interface Call {
  readonly method: Method;
  /** The request's metadata. A client's middleware may add to it. */
  readonly metadata: Metadata;
  /**
   * Absolute deadline; undefined if the call has none. The time left is measured with a monotonic clock: if the
   * machine's clock is set, this date moves with it, and the call still has as long as before.
   */
  readonly deadline: Date | undefined;
  /** Aborts when the caller cancels or the deadline passes. */
  readonly signal: AbortSignal;
  /** Enforces the deadline and the cancellation. Middleware passes it on unchanged. */
  readonly context: CallContext;
  readonly request: Payload;
  /** The W3C trace id that the call belongs to: 32 hexadecimal digits. */
  readonly traceId: string;
  /** When the router got the call, in milliseconds by its clock; missing on the client. */
  readonly startedAt?: number;
}

/** A call as its handler on the server sees it. */
export interface ServerCall extends Call {
  /**
   * The deadline that the caller set; undefined if it set none. `deadline` is earlier than this if the contract's
   * timeout ends sooner.
   */
  readonly callerDeadline: Date | undefined;
  /** How many attempts of the call the client made before this one: 0, unless it is retried or hedged. */
  readonly previousAttempts: number;
  /** Values that middleware sets for the handler, by typed keys. */
  readonly values: ContextValues;
  /** The caller's address, as far as the transport knows it. */
  readonly peer: string;
  /** Header metadata. It is sent before the first message; later changes are lost. */
  readonly header: Metadata;
  /**
   * Sends the header now, even if it is empty, so that a streaming client needn't wait for the first message to see it.
   * Only the first call has an effect.
   *
   * @throws TypeError if an entry can't be sent.
   */
  readonly sendHeader: () => void;
  /** Trailing metadata. It is sent at the end, with the status. */
  readonly trailer: Metadata;
  /** A logger that adds the method and the trace id of the call to each line. */
  readonly log: Logger;
}

/** The response of a successful call. A response stream may still fail while it is read. */
export interface Reply<M = unknown> {
  readonly header: Metadata;
  /** Complete once the whole response has been read. */
  readonly trailer: Metadata;
  readonly response: Payload<M>;
}

/** A structured logger. It has pino's interface, so a pino logger can be passed as one. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds `fields` to each line. */
  child(fields: object): Logger;
}

/** A logger that discards every line. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
