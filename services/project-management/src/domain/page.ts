/** One comparison of a filter; all of them have to hold. */
export interface Condition {
  /** As the contract spells it. */
  readonly field: string;
  readonly comparator: '=' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: string | bigint | Date;
}

/** Which part of a list. */
export interface PageQuery {
  /** Where the previous page ended; undefined for the first. */
  readonly after: bigint | undefined;
  /** At least 1. */
  readonly size: number;
}

/** Which part of which items. */
export interface FilteredQuery extends PageQuery {
  readonly conditions: readonly Condition[];
}

/** The same of what can be deleted. */
export interface ListQuery extends FilteredQuery {
  /** Whether what was deleted is listed, too. */
  readonly showDeleted: boolean;
}

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where the next page begins; undefined on the last. */
  readonly next: bigint | undefined;
}
