import type { CallOptions } from '@rondo/rpc/client';
import type { RpcError } from '@rondo/rpc/status';

/** One unary method of a client from `createClient`. */
export type UnaryMethod<Req, Res> = (request: Req, options?: CallOptions) => Promise<Res>;

/** Options of a fan-out: a scatter or a broadcast. `timeoutMs`, `deadline` and `signal` apply to all parts together. */
export interface FanOutOptions extends Pick<CallOptions, 'timeoutMs' | 'deadline' | 'signal' | 'metadata'> {
  /** How long one attempt at a part may take, in milliseconds. The contract's timeout applies too. */
  readonly partTimeoutMs?: number;
}

/** Options of `scatterStream`. */
export interface ScatterStreamOptions<R extends 'all' | 'none' = 'all'> extends FanOutOptions {
  /** How many parts have to succeed. Default: `all`. */
  readonly require?: R;
  /** How many parts an instance works on at once. Default: 2, so that it need not wait for the next one. */
  readonly perInstance?: number;
  /** How many attempts a part gets at most. An attempt whose request never left this process doesn't count. Default: 3. */
  readonly maxAttempts?: number;
  /**
   * How many parts, after the one that is read next, may be in work or wait to be read. It bounds the memory that the
   * results take. Default: 16.
   */
  readonly readAhead?: number;
}

/** Options of `broadcast`. */
export interface BroadcastOptions<R extends Quorum = 'all'> extends FanOutOptions {
  /** How many parts have to succeed. Default: `all`. */
  readonly require?: R;
  /** How many instances are called at once. Default: 64. */
  readonly concurrency?: number;
}

/**
 * Returns `value` if it is a whole number of at least `atLeast`.
 *
 * @throws RangeError with the option's `name` if it is not.
 */
export function wholeNumber(name: string, value: number, atLeast = 1): number {
  if (Number.isInteger(value) && value >= atLeast) return value;
  throw new RangeError(`${name} must be a whole number of at least ${atLeast}, is ${value}`);
}

export interface SucceededPart<T> {
  readonly ok: true;
  readonly value: T;
  /** The instance that answered. */
  readonly instance: string;
}

export interface FailedPart {
  readonly ok: false;
  /** The error of the last attempt. Its report lists all attempts. */
  readonly error: RpcError;
  /** The instance of the last attempt; undefined if there was no attempt. */
  readonly instance: string | undefined;
}

/** The result of one part. */
export type PartResult<T> = SucceededPart<T> | FailedPart;

/**
 * How many parts have to succeed.
 *
 * - `all`: the first part that fails ends the fan-out.
 * - `{ quorum }`: this number. Once it is reached, the rest is cancelled.
 * - `none`: the fan-out never fails because of a part. Each part has its own result.
 */
export type Quorum = 'all' | 'none' | { readonly quorum: number };

/** The results of the parts, in the order of their requests. If `all` are required, each of them has succeeded. */
export type PartResults<T, R extends Quorum> = readonly (R extends 'all' ? SucceededPart<T> : PartResult<T>)[];
