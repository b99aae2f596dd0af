import type { Any } from '@rondo/contracts/google/protobuf/any';
import { Metadata } from '../call/metadata.js';
import { type Status, type StatusName, statusName } from './code.js';
import { type DetailType, unpackDetail } from './detail.js';

/** One try at one instance. */
export interface Attempt {
  /** The instance's id; its address where it has none. */
  readonly instance: string;
  readonly address: string;
  /** How it ended; `PENDING` where the call ended before it did. */
  readonly code: StatusName | 'PENDING';
  readonly message: string;
  readonly elapsedMs: number;
}

/** What a client adds to a failure: which call it was and where it was tried. */
export interface CallReport {
  /** `/package.Service/Method`. */
  readonly method: string;
  readonly attempts: readonly Attempt[];
  readonly elapsedMs: number;
}

/** What an error carries beside its code and message. */
export interface RpcErrorOptions {
  /** `google.rpc` details, from {@link packDetail}, or as received. */
  readonly details?: readonly Any[];
  /** Trailing metadata that goes, or came, with the error. */
  readonly metadata?: Metadata;
  /** Header metadata that came before the error. */
  readonly header?: Metadata | undefined;
  /** What caused it; stays in this process. */
  readonly cause?: unknown;
  /** Set by a client on what it received. */
  readonly report?: CallReport;
}

/**
 * The one error of Rondo's public surface: a gRPC status with its `google.rpc.Status` details.
 *
 * Thrown by a handler, it is the caller's status as it stands. Thrown by a client, it is the status received, or why
 * there was none, and `report` says where the call was tried.
 */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: Status;
  readonly details: readonly Any[];
  /** Trailing metadata: sent with an error that a handler throws, received with one that a client throws. */
  readonly metadata: Metadata;
  /** Header metadata received before the error; undefined if none came. A handler sets its own in `call.header`. */
  readonly header: Metadata | undefined;
  readonly report: CallReport | undefined;

  constructor(code: Status, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.metadata = options.metadata ?? new Metadata();
    this.header = options.header;
    this.report = options.report;
  }

  /** The code's name, such as `NOT_FOUND`. */
  get codeName(): StatusName {
    return statusName(this.code);
  }

  /** The first detail of a type, decoded, such as `error.detail(BadRequest)`; undefined where there is none. */
  detail<T>(type: DetailType<T>): T | undefined {
    return unpackDetail(this.details, type);
  }

  override toString(): string {
    const where = this.report === undefined ? '' : `${this.report.method}: `;
    return `${this.codeName}: ${where}${this.message}`;
  }
}
