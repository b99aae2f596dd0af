import type { CallOptions } from '../client/client.js';
import type { RpcError } from '../status/index.js';

/** One unary method of a client that {@link createClient} made. */
export type UnaryMethod<Req, Res> = (request: Req, options?: CallOptions) => Promise<Res>;

/** What may be said of a whole that goes out in parts. Its time and its end are those of all parts together. */
export interface WholeOptions extends Pick<CallOptions, 'timeoutMs' | 'deadline' | 'signal' | 'metadata'> {
  /** How long one part may take at one instance, in milliseconds, where that is less than its contract allows. */
  readonly partTimeoutMs?: number;
}

/** How parts are shared out. */
export interface SharingOptions extends WholeOptions {
  /** How many parts an instance works on at once; 2, so that it needn't wait for the next. */
  readonly perInstance?: number;
  /** How often a part may burden an instance; 3. */
  readonly maxTries?: number;
}

/** How a request is scattered. */
export interface ScatterOptions<R extends Requirement = 'all'> extends SharingOptions {
  /** How many parts have to be done; `all` by default. */
  readonly require?: R;
}

/** How a request is scattered whose parts are read one by one. */
export interface ScatterStreamOptions<R extends 'all' | 'none' = 'all'> extends SharingOptions {
  readonly require?: R;
  /** How many parts are in work or wait to be read, beyond the one that is read next: what bounds the memory; 16. */
  readonly ahead?: number;
}

/** How every instance is asked. */
export interface BroadcastOptions<R extends Requirement = 'all'> extends WholeOptions {
  readonly require?: R;
  /** How many instances are asked at once; 64. */
  readonly concurrency?: number;
}

/**
 * `value`, a number of something.
 *
 * @throws RangeError where it is none.
 */
export function counted(name: string, value: number, atLeast = 1): number {
  if (Number.isInteger(value) && value >= atLeast) return value;
  throw new RangeError(`${name} must be a whole number of at least ${atLeast}, is ${value}`);
}

/** A part that was done. */
export interface Gathered<T> {
  readonly ok: true;
  readonly value: T;
  /** Who did it. */
  readonly instance: string;
}

/** A part that nobody did. */
export interface Lost {
  readonly ok: false;
  /** What its last try failed with; the report lists all of them. */
  readonly error: RpcError;
  /** Who it was tried at last; undefined where it came to nobody. */
  readonly instance: string | undefined;
}

/** What came of one part. */
export type Part<T> = Gathered<T> | Lost;

/**
 * How many parts have to be done: `all`, so that the first that is lost ends the whole; so many, so that the rest is
 * cancelled once they are; or `none`, where each part tells what came of it.
 */
export type Requirement = 'all' | 'none' | { readonly quorum: number };

/** What came of the parts, in the order of their requests: where all are required, all of them were done. */
export type Parts<T, R extends Requirement> = readonly (R extends 'all' ? Gathered<T> : Part<T>)[];
