import type { Condition } from '../filter.js';

const LEAST = 0n;
const MOST = 2n ** 63n - 1n;

/** What part of a list is asked for: at most `size` rows, after a position. */
interface PageQuery {
  readonly size: number;
  readonly after: bigint | undefined;
}

/**
 * The parameters of a list the oldest first: after which `sequence`, and one row more than the page has, to see whether
 * it is the last.
 */
export function ascending({ after, size }: PageQuery): readonly [after: bigint, limit: number] {
  return [after ?? LEAST, size + 1];
}

/** The parameters of a list the newest first: before which `sequence`, and one row more than the page has. */
export function descending({ after, size }: PageQuery): readonly [before: bigint, limit: number] {
  return [after ?? MOST, size + 1];
}

/** The page in `rows`, which were read with one row more than it has. */
export function pageOf<Row extends { readonly sequence: bigint }, T>(
  rows: readonly Row[],
  { size }: PageQuery,
  toItem: (row: Row) => T,
): { readonly items: readonly T[]; readonly next: bigint | undefined } {
  const items = rows.slice(0, size);
  return { items: items.map(toItem), next: rows.length > size ? items.at(-1)?.sequence : undefined };
}

/** A condition of SQL with its parameters. */
export interface Where {
  /** `TRUE` where everything meets it. */
  readonly sql: string;
  readonly params: readonly (string | bigint | Date)[];
}

/**
 * The conditions of a filter in SQL. `columns` has an expression for each field of the filter's schema; parameters are
 * numbered from `firstParam`. A missing value equals nothing: it meets `!=`, and nothing else.
 */
export function whereOf(
  conditions: readonly Condition[],
  columns: Readonly<Record<string, string>>,
  firstParam: number,
): Where {
  const terms = conditions.map(({ field, comparator }, index) => {
    const column = columns[field];
    if (column === undefined) throw new Error(`there is no column for ${field}`);
    const operator = comparator === '!=' ? 'IS DISTINCT FROM' : comparator;
    return `${column} ${operator} $${firstParam + index}`;
  });
  return { sql: terms.length === 0 ? 'TRUE' : terms.join(' AND '), params: conditions.map(({ value }) => value) };
}

/**
 * Columns as a statement lists them, each of `table`, which may be an alias: `orders.id, orders.state`.
 *
 * Statements list what they read. With `*` they would return what a later version's migration has added, and a prepared
 * one is refused by the server from that migration on.
 */
export function columnsOf(table: string, columns: readonly string[]): string {
  return columns.map((column) => `${table}.${column}`).join(', ');
}
