import { CallContext, type Logger, type Metadata, silentLogger } from '@rondo/rpc/call';
import { type Clock, systemClock } from '@rondo/rpc/clock';
import { clientErrors } from '@rondo/rpc/internal';
import { RpcError, Status } from '@rondo/rpc/status';
import type { PublicMethod } from '../discovery/catalogue.js';
import { challenge } from '../edge/challenge.js';
import { gatewayErrors } from '../errors.js';
import { BodyError, type HttpExchange } from '../listener/exchange.js';
import type { Backend, BackendCall, BackendReply } from './backend.js';
import type { Codec } from './codec.js';
import { metadataOf } from './metadata.js';

/** What every protocol needs to serve calls. */
export interface FrontEndOptions {
  readonly backend: Backend;
  /** The longest message of a request, once it is decompressed. */
  readonly maxMessageBytes: number;
  /** Whether the client may learn which instance answered. */
  readonly servedBy: boolean;
  /** The client's address, as it is passed on to services. */
  readonly clientOf: (exchange: HttpExchange) => string;
  /** Aborts when the public port begins to drain: streams without an end of their own then end. */
  readonly draining: AbortSignal;
  readonly log: Logger;
  readonly clock: Clock;
}

/** These options, of which all but `backend` have defaults: messages of 4 MiB at most, and no drain. */
export type GivenOptions = Pick<FrontEndOptions, 'backend'> & Partial<FrontEndOptions>;

/** The options with their defaults. */
export const withDefaults = (given: GivenOptions): FrontEndOptions => ({
  maxMessageBytes: 4 * 1024 * 1024,
  servedBy: false,
  clientOf: ({ remote }) => remote,
  draining: new AbortController().signal,
  log: silentLogger,
  clock: systemClock,
  ...given,
});

/** One protocol with one codec. */
export interface FrontEnd {
  /** Serves one call of a method. It never throws, and it always ends or aborts the exchange. */
  serve(exchange: HttpExchange, target: PublicMethod): void;
  /** Answers a call that isn't served. */
  refuse(exchange: HttpExchange, error: RpcError): void;
}

/** The call's request, without its messages. */
export interface CallSettings {
  readonly codec: Codec;
  /** How long the client gives the call, in milliseconds. */
  readonly timeoutMs: number | undefined;
}

/** One call of a client: from its request to a backend call, and from any failure to the error that the client gets. */
export class InboundCall {
  readonly exchange: HttpExchange;
  readonly target: PublicMethod;
  /** Ends when the client leaves, and when its request turns out to be unreadable. */
  readonly context = new CallContext();
  readonly options: FrontEndOptions;
  /** Whether the client went away, so that there is no reader for an answer. */
  left = false;
  readonly #startedAt: number;
  #fault: RpcError | undefined;

  constructor(exchange: HttpExchange, target: PublicMethod, options: FrontEndOptions) {
    this.exchange = exchange;
    this.target = target;
    this.options = options;
    this.#startedAt = options.clock.now();
    exchange.onClose((left) => {
      this.left = left;
      if (left) this.context.end(clientErrors.CANCELLED());
    });
  }

  /** Metadata for the service. Throws as {@link metadataOf} does. */
  metadata(): Metadata {
    return metadataOf(this.exchange, { client: this.options.clientOf(this.exchange) });
  }

  /**
   * Waits for a part of the request, at most until the call's deadline.
   *
   * @throws RpcError also for a body that can't be read.
   */
  async read<T>(work: Promise<T>, timeoutMs: number | undefined): Promise<T> {
    if (timeoutMs === undefined) return work;
    const timer = this.options.clock.setTimer(timeoutMs, () => this.refuse(gatewayErrors.TOO_LATE({ timeoutMs })));
    try {
      return await this.context.race(work);
    } finally {
      timer.cancel();
    }
  }

  /** Makes the backend call, within the time that the client gives the call. */
  send(request: BackendCall['request'], metadata: Metadata, timeoutMs: number | undefined): Promise<BackendReply> {
    const { target, context, options } = this;
    const principal = this.exchange.identity?.principal;
    const leftMs = timeoutMs === undefined ? undefined : timeoutMs - (options.clock.now() - this.#startedAt);
    if (leftMs !== undefined && leftMs <= 0) throw gatewayErrors.TOO_LATE({ timeoutMs: timeoutMs ?? 0 });
    if (isEndless(target, timeoutMs)) this.#endWithDrain();
    return options.backend({ target, metadata, principal, timeoutMs: leftMs, context, request });
  }

  #endWithDrain(): void {
    const { draining } = this.options;
    const end = () => this.refuse(STOPPING);
    draining.addEventListener('abort', end, { once: true });
    if (draining.aborted) end();
    this.exchange.onClose(() => draining.removeEventListener('abort', end));
  }

  /** Ends the call because of its request: the client gets this error, whatever error the backend then reports. Returns the error. */
  readonly refuse = (fault: unknown): RpcError => {
    const error = this.#toError(fault);
    this.#fault ??= fault instanceof RpcError ? fault : error;
    this.context.end(error);
    return error;
  };

  /** Why the call failed: because of its request, if that has ended it, whatever the backend reported then. */
  causeOf(fault: unknown): unknown {
    return this.#fault ?? fault;
  }

  /** The error for the client. */
  errorOf(fault: unknown): RpcError {
    const error = this.#toError(this.causeOf(fault));
    challenge(this.exchange, error, this.target.desc);
    return error;
  }

  /**
   * Ends the exchange by `answer`. If that fails, the answer is broken off: the client never takes half an answer for a
   * whole one.
   */
  finish(answer: () => void): void {
    try {
      if (this.context.reason?.code !== Status.CANCELLED) answer();
      else this.exchange.abort('cancel');
    } catch (cause) {
      this.options.log.error({ err: cause, method: this.target.method.path }, 'an answer failed');
      this.exchange.abort('internal');
    }
  }

  #toError(fault: unknown): RpcError {
    if (fault instanceof BodyError && fault.code === Status.RESOURCE_EXHAUSTED)
      return gatewayErrors.MESSAGE_TOO_LARGE({ maxBytes: this.options.maxMessageBytes });
    if (fault instanceof RpcError) return fault;
    this.options.log.error({ err: fault, method: this.target.method.path }, 'a call failed inside the gateway');
    return gatewayErrors.FAILED({ cause: fault });
  }
}

/** The error of streams that the gateway ends as it stops. */
export const STOPPING = gatewayErrors.STOPPING();

/** Whether a call is a stream without an end of its own. */
const isEndless = ({ method: { requestStream, responseStream, policy } }: PublicMethod, timeoutMs?: number): boolean =>
  (requestStream || responseStream) && policy.timeoutMs === undefined && timeoutMs === undefined;
