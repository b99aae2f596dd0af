import type { RpcError } from '../../status/index.js';

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
