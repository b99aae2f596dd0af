/** The operators of a filter. */
export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** One comparison of a filter. All of them must hold. */
export interface Condition {
  /** The field's path in the contract. */
  readonly field: string;
  readonly comparator: Comparator;
  readonly value: string | bigint | Date;
}

/** Which page of a list is requested. */
export interface PageQuery {
  /** The sequence number of the previous page's last item; undefined for the first page. */
  readonly after: bigint | undefined;
  /** Maximum number of items, from 1 to 100. */
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
  /** The value of the listing's `sight` in the items that the caller sees; null if it sees none, undefined if it sees all. */
  readonly sight?: string | null | undefined;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The sequence number after which the next page begins; undefined on the last page. */
  readonly next: bigint | undefined;
}
