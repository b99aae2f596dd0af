/** One comparison of a filter. A row must satisfy all of them. */
export interface Condition {
  /** The name of the field in the contract. */
  readonly field: string;
  readonly comparator: '=' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: string | bigint | Date;
}

/** Which page of a list is requested. */
interface PageQuery {
  /** The sequence number of the previous page's last item; undefined for the first page. */
  readonly after: bigint | undefined;
  /** At least 1. */
  readonly size: number;
}

/** A page of the items that satisfy a filter. */
export interface FilteredQuery extends PageQuery {
  readonly conditions: readonly Condition[];
}

/** A page of resources that can be deleted. */
export interface ListQuery extends FilteredQuery {
  /** Whether deleted items are listed too. */
  readonly showDeleted: boolean;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The sequence number after which the next page begins; undefined on the last page. */
  readonly next: bigint | undefined;
}
