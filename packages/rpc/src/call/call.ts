import type { Method } from '../contract/index.js';
import type { CallContext } from './context.js';
import type { CallLimit } from './limit.js';
import type { Metadata } from './metadata.js';

/** One message, or many: which it is follows from the method. */
export type Payload<M = unknown> =
  | { readonly stream: false; readonly message: M }
  | { readonly stream: true; readonly messages: AsyncIterable<M> };

/** One call, on either side: what middleware sees. */
export interface Call {
  readonly method: Method;
  /** The request's metadata. A client's middleware may add to it. */
  readonly metadata: Metadata;
  /**
   * When the call ends at the latest; undefined for never. The time that is left is measured: when the machine's clock is
   * set, the date changes with it, and the call has as long as before.
   */
  readonly deadline: Date | undefined;
  /** Aborts when the caller goes away or the deadline passes. */
  readonly signal: AbortSignal;
  /** What enforces deadline and signal; middleware passes it on as it is. */
  readonly limit: CallLimit;
  readonly request: Payload;
  /** The W3C trace id that the call belongs to: 32 hexadecimal digits. */
  readonly traceId: string;
}

/** A call as its handler sees it. */
export interface ServerCall extends Call {
  /**
   * When its caller wants it to end; undefined if the caller set no deadline. The contract's timeout holds if it is sooner:
   * then `deadline` is another.
   */
  readonly callerDeadline: Date | undefined;
  /** What middleware tells the handler, by typed keys. */
  readonly context: CallContext;
  /** The caller's address, as far as the transport knows it. */
  readonly peer: string;
  /** Metadata that leaves before the first message; later changes are lost. */
  readonly header: Metadata;
  /**
   * Sends the header now, also where it is empty, so that the caller of a stream needn't wait for the first message to know
   * of it. Only the first time does something.
   *
   * @throws TypeError where something in it can't be sent.
   */
  readonly sendHeader: () => void;
  /** Metadata that leaves at the end, with the status. */
  readonly trailer: Metadata;
  /** Logs with the method and the trace id of the call. */
  readonly log: Logger;
}

/** The outcome of a call that didn't fail. A stream may still fail while it is read. */
export interface Reply<M = unknown> {
  readonly header: Metadata;
  /** Complete once the whole response was read. */
  readonly trailer: Metadata;
  readonly response: Payload<M>;
}

/** A structured logger: pino's shape, so that a pino logger is one. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A logger that adds `fields` to each line. */
  child(fields: object): Logger;
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
