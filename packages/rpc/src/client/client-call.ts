import type { Call, CallLimit, Metadata, Payload } from '../call/index.js';
import { type Clocks, dateOf } from '../clock/index.js';
import type { Method } from '../contract/index.js';
import type { Attempt } from '../status/index.js';
import type { CallOptions } from './client.js';

/** A call as its caller's side sees it. */
export interface ClientCall extends Call {
  /** When it began, by the channel's clock. */
  readonly startedAt: number;
  /** What its caller said of it. */
  readonly options: CallOptions;
  /** Where it was tried so far; the channel fills it. */
  readonly attempts: Attempt[];
}

/** A call as it begins; its deadline and signal are made where they are read, and go along where a call is made by `{ ...call }`. */
export class OutgoingCall implements ClientCall {
  readonly method: Method;
  readonly metadata: Metadata;
  readonly limit: CallLimit;
  readonly request: Payload;
  readonly traceId: string;
  readonly startedAt: number;
  readonly options: CallOptions;
  readonly attempts: Attempt[] = [];
  readonly #clocks: Clocks;
  declare readonly deadline: Date | undefined;
  declare readonly signal: AbortSignal;

  constructor(call: Omit<ClientCall, 'deadline' | 'signal' | 'attempts'>, clocks: Clocks) {
    this.method = call.method;
    this.metadata = call.metadata;
    this.limit = call.limit;
    this.request = call.request;
    this.traceId = call.traceId;
    this.startedAt = call.startedAt;
    this.options = call.options;
    this.#clocks = clocks;
    Object.defineProperty(this, 'deadline', OutgoingCall.#deadline);
    Object.defineProperty(this, 'signal', OutgoingCall.#signal);
  }

  static readonly #deadline: PropertyDescriptor = {
    enumerable: true,
    get(this: OutgoingCall): Date | undefined {
      return this.limit.endsAt === undefined ? undefined : dateOf(this.limit.endsAt, this.#clocks);
    },
  };

  static readonly #signal: PropertyDescriptor = {
    enumerable: true,
    get(this: OutgoingCall): AbortSignal {
      return this.limit.signal;
    },
  };
}
