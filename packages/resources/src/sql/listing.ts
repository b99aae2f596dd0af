import type { SqlValue } from '@rondo/database';

/**
 * How a table is listed: in the order of a column that is unique and never changes, page by page. Each list of a large table
 * needs an index along that column: for rows that aren't deleted and for deleted ones, also within each state.
 */
export interface Listing {
  readonly table: string;
  readonly order: 'the oldest first' | 'the newest first';
  /** The column of the order; `sequence` by default. */
  readonly position?: string;
  /** The columns to read. */
  readonly selected: readonly string[];
  /** The SQL of the bytes of a row of `page`. Without it, a page is read whole before it is cut to the size of a message. */
  readonly bytes?: string;
  /** The column of each filter field. Each one but that of the states, by default `state`, has its own index, unless it is in `unindexed`. */
  readonly columns: Readonly<Record<string, string>>;
  /** Filter fields without an index. Only a bounded number of rows is read for a page, so a page may have few items. */
  readonly unindexed?: readonly string[];
  /** The SQL conditions that a row isn't deleted and that it is; without them nothing of the table can be deleted. */
  readonly deletion?: { readonly live: string; readonly deleted: string };
  /** All states of a row, as a filter names them; without them rows have no state. */
  readonly states?: readonly string[];
  /** The stored value of a state; by default the same. */
  readonly storedState?: (state: string) => string;
  /** The filter field with an index on its column and the position. */
  readonly scannedBy?: {
    readonly field: string;
    /** Whether that index has the state too, between the two columns; `both` if there is one with it and one without. */
    readonly withState: boolean | 'both';
  };
  /** A filter field whose values never decrease along the position. */
  readonly chronological?: {
    readonly field: string;
    /** The SQL of the first position whose value is greater than (or equal to) the SQL value. */
    readonly firstPosition: (comparator: '>' | '>=', value: string) => string;
  };
  /**
   * The fields by which the list may be sorted, each with the SQL of its value, which is never null; `position` if the order of the
   * positions is that of the field. Each value needs an index on it and the position, after the columns of `scope`. Only a bounded
   * number of rows is read along it, so a page may have few items.
   */
  readonly sorted?: Readonly<Record<string, string>>;
  /** Columns to read of other tables, and the joins to them. They refer to the row as `page`. */
  readonly derived?: { readonly columns: string; readonly joins?: string };
  /** The SQL of the value that decides who sees a row. */
  readonly visible?: {
    readonly value: string;
    /**
     * Whether it is a column of indexes along the position, for rows that aren't deleted and for deleted ones, also with the state.
     * Otherwise a bounded number of rows is read for a page, so a page may have few items.
     */
    readonly indexed: boolean;
  };
  /** A further condition in SQL. Its parameters are numbered from $3. */
  readonly scope?: { readonly sql: string; readonly params: readonly SqlValue[] };
}

/**
 * Qualified columns for a statement: `orders.id, orders.state`. `table` may be an alias.
 *
 * Statements list the columns that they read. With `*` a statement would return columns that a later migration adds,
 * and the server refuses a prepared statement whose result has changed.
 */
export function columnsOf(table: string, columns: readonly string[]): string {
  return columns.map((column) => `${table}.${column}`).join(', ');
}
