/** Which part of a list. */
export interface PageQuery {
  /** Where the previous page ended; undefined for the first. */
  readonly after: bigint | undefined;
  /** At least 1. */
  readonly size: number;
}

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; undefined on the last. */
  readonly next: bigint | undefined;
}
