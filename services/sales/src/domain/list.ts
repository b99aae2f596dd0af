/** One comparison of a filter; all of them have to hold. */
export interface Condition {
  /** As the contract spells it. */
  readonly field: string;
  readonly comparator: '=' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: string | bigint | Date;
}

/** Which part of which list. */
export interface ListQuery {
  /** Where the previous page ended; undefined for the first. */
  readonly after: bigint | undefined;
  /** At least 1. */
  readonly size: number;
  readonly conditions: readonly Condition[];
  /** Whether what was deleted is listed, too. */
  readonly showDeleted: boolean;
}

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; undefined on the last. */
  readonly next: bigint | undefined;
}
