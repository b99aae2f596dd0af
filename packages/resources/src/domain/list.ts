/** The operators of a filter. */
export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** One comparison of a filter. All of them must hold, each itself or one of its alternatives. */
export interface Condition {
  /** The field's path in the contract. */
  readonly field: string;
  readonly comparator: Comparator;
  readonly value: string | bigint | Date;
  readonly or?: readonly Condition[];
}

/** The largest position: those of a table are 64-bit integers. */
export const MAX_POSITION = 2n ** 63n - 1n;

/** A place in a list. */
export interface Place {
  /** The position of an item. */
  readonly position: bigint;
  /** The item's value of the field by which the list is sorted; absent if the position alone decides the order. */
  readonly value?: Condition['value'];
}

/** Which page of a list is requested. */
export interface PageQuery {
  /** The place of the previous page's last item; undefined for the first page. */
  readonly after: Place | undefined;
  /** Maximum number of items, from 1 to 100. */
  readonly size: number;
}

/** By which field a list is sorted. Items with the same value are in the order of their positions, also backwards. */
export interface ListOrder {
  /** The field's path in the contract. */
  readonly field: string;
  readonly descending: boolean;
}

/** A page of the resources that satisfy a filter. */
export interface ListQuery extends PageQuery {
  readonly conditions: readonly Condition[];
  /** Undefined for the list's own order. */
  readonly order?: ListOrder | undefined;
  /** Whether deleted items are listed too. */
  readonly showDeleted: boolean;
  /** The value of the listing's `visible` in the items that the caller sees; null if it sees none, undefined if it sees all. */
  readonly visible?: string | null | undefined;
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** The place after which the next page begins; undefined on the last page. */
  readonly next: Place | undefined;
}
