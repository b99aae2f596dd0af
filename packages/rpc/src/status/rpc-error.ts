import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { CallTiming } from '../call/call-timer.js';
import { Metadata } from '../call/metadata.js';
import { type Status, type StatusName, statusName } from './code.js';
import { type DetailType, unpackDetail } from './detail.js';

/** One attempt of a call, at one instance. */
export interface Attempt {
  /** The instance's id; its address if it has no id. */
  readonly instance: string;
  readonly address: string;
  /** The attempt's status; `PENDING` if the call ended before the attempt did. */
  readonly code: StatusName | 'PENDING';
  readonly message: string;
  readonly elapsedMs: number;
}

/** What a client adds to an error: which call failed and at which instances it was tried. */
export interface CallReport {
  /** `/package.Service/Method`. */
  readonly method: string;
  readonly attempts: readonly Attempt[];
  readonly elapsedMs: number;
  /** Where the time went, if the caller asked by `onTiming`. */
  readonly timing?: CallTiming;
}

export interface RpcErrorOptions {
  /** `google.rpc` details, from {@link packDetail} or as received. */
  readonly details?: readonly Any[];
  /** Trailing metadata that is sent, or was received, with the error. */
  readonly metadata?: Metadata;
  /** Header metadata that was received before the error. */
  readonly header?: Metadata | undefined;
  /** The cause. It never leaves this process. */
  readonly cause?: unknown;
  /**
   * How long a client should wait before it retries the call, in milliseconds; negative: it should not retry. Sent
   * as the trailer `grpc-retry-pushback-ms`. Source: gRFC A6.
   */
  readonly retryPushbackMs?: number | undefined;
  /** Set by a client on errors that it received. */
  readonly report?: CallReport;
  /** Default: `client`. */
  readonly origin?: ErrorOrigin;
}

/** The origin of an error: a server's answer, or this process itself, such as for a lost connection or a deadline. */
export type ErrorOrigin = 'server' | 'client';

/**
 * The one error class of Rondo's public API: a gRPC status with its `google.rpc.Status` details.
 *
 * If a handler throws it, the caller gets it as it is. If a client throws it, it is the status received, or the reason
 * why there was none; `report` says where the call was tried.
 */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: Status;
  readonly details: readonly Any[];
  /** Trailing metadata: sent with an error that a handler throws, received with one that a client throws. */
  readonly metadata: Metadata;
  /** Header metadata received before the error; undefined if none came. A handler sets its own in `call.header`. */
  readonly header: Metadata | undefined;
  /** How long a client waits before it retries the call, in milliseconds; negative: it doesn't retry. Undefined: the client decides. */
  readonly retryPushbackMs: number | undefined;
  readonly report: CallReport | undefined;
  /**
   * `server` if a server answered with this error. `client` if this process made it: its text may name instances and
   * addresses.
   */
  readonly origin: ErrorOrigin;

  constructor(code: Status, message: string, options: RpcErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.metadata = options.metadata ?? new Metadata();
    this.header = options.header;
    this.retryPushbackMs = options.retryPushbackMs;
    this.report = options.report;
    this.origin = options.origin ?? 'client';
  }

  /** The code's name, such as `NOT_FOUND`. */
  get codeName(): StatusName {
    return statusName(this.code);
  }

  /** The first detail of a type, decoded, such as `error.detail(BadRequest)`; undefined if there is none. */
  detail<T>(type: DetailType<T>): T | undefined {
    return unpackDetail(this.details, type);
  }

  /** One line: the code, the message and, from the report, the method, the attempts with their instances, codes and times. */
  override toString(): string {
    const { codeName, message, report } = this;
    if (report === undefined) return `${codeName}: ${message}`;
    return `${codeName}: ${report.method}: ${message} (${describeReport(report, message)})`;
  }
}

/** The most attempts that a text names: the last ones, as the call ended with them. */
const MAX_NAMED = 5;
/** The longest name of an instance, as other systems choose some of them. */
const MAX_NAME_LENGTH = 120;

/** An instance as messages name it. */
export function nameOf({ instance, address }: Pick<Attempt, 'instance' | 'address'>): string {
  return instance === address ? address : `${instance} at ${address}`;
}

/**
 * A report as the end of the error's text: the attempts, each with its instance, code and time, and the time of the call, by phase as far
 * as it is known. An instance whose address `message` has already is named by its id.
 */
function describeReport({ attempts, elapsedMs, timing }: CallReport, message: string): string {
  const named = attempts.slice(-MAX_NAMED).map((attempt) => describeAttempt(attempt, message));
  const omitted = attempts.length > MAX_NAMED ? `, the last ${MAX_NAMED}` : '';
  const list = named.length === 0 ? '' : `${omitted}: ${named.join(', ')}`;
  const phases = timing === undefined ? waitingOf(attempts, elapsedMs) : `; ${phasesOf(timing)}`;
  return `${countOf(attempts.length)} in ${timeOf(elapsedMs)}${list}${phases}`;
}

/** How long the call waited outside its attempts, for a lookup, a connection or a retry, if that is known and counts. */
function waitingOf(attempts: readonly Attempt[], elapsedMs: number): string {
  if (attempts.length === 0 || attempts.some(({ code }) => code === 'PENDING')) return '';
  const waitedMs = elapsedMs - attempts.reduce((sum, attempt) => sum + attempt.elapsedMs, 0);
  return waitedMs < 1 ? '' : `; ${timeOf(waitedMs)} of waiting before and between`;
}

/** Each phase that took a time, by its name. */
function phasesOf({ totalMs: _, ...phases }: CallTiming): string {
  const took = Object.entries(phases).filter(([, ms = 0]) => ms >= SHORTEST_MS);
  return took.map(([name, ms = 0]) => `${name.slice(0, -'Ms'.length)} ${timeOf(ms)}`).join(', ');
}

/** What {@link timeOf} doesn't write as 0. Milliseconds. */
const SHORTEST_MS = 0.05;

function describeAttempt({ instance, address, code, elapsedMs }: Attempt, message: string): string {
  const known = instance !== '' && message.includes(nameOf({ instance, address }));
  const name = shortened(known ? instance : nameOf({ instance, address }));
  // An attempt that is still running has no time of its own.
  return code === 'PENDING' ? `${name} without an answer` : `${name} ${code} after ${timeOf(elapsedMs)}`;
}

const countOf = (attempts: number): string =>
  attempts === 0 ? 'no attempt' : attempts === 1 ? '1 attempt' : `${attempts} attempts`;

const shortened = (name: string): string =>
  name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name;

/** Tenths of a millisecond tell local calls apart; above 10 ms they say nothing. */
const timeOf = (ms: number): string => `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
