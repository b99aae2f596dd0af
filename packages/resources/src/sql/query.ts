import type { Condition, PageQuery } from '../domain/list.js';

const LEAST = 0n;
const MOST = 2n ** 63n - 1n;

/**
 * Parameters of a list query, oldest first: the `sequence` to start after, and the limit. The limit is one more than
 * the page, to detect the last page.
 */
export function ascending({ after, size }: PageQuery): readonly [after: bigint, limit: number] {
  return [after?.position ?? LEAST, size + 1];
}

/** Parameters of a list query, newest first: the `sequence` to start before, and the limit, one more than the page. */
export function descending({ after, size }: PageQuery): readonly [before: bigint, limit: number] {
  return [after?.position ?? MOST, size + 1];
}

/**
 * Reads rows in parts of `size`, in the order of their `sequence`. If there are none, it yields one empty part.
 *
 * @param read the first rows after a `sequence`, at most `size`.
 */
export async function* inParts<Row extends { readonly sequence: bigint }>(
  size: number,
  read: (after: bigint) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  for (let after = LEAST; ; ) {
    const rows = await read(after);
    const last = rows.at(-1);
    if (last !== undefined || after === LEAST) yield rows;
    if (last === undefined || rows.length < size) return;
    after = last.sequence;
  }
}

/** A SQL condition with its parameters. */
export interface Where {
  /** `TRUE` without conditions. */
  readonly sql: string;
  readonly params: readonly (string | bigint | Date)[];
}

/**
 * The conditions of a filter in SQL. A missing value equals nothing: it matches only `!=`.
 *
 * @param columns the SQL expression of each field of the filter.
 * @param firstParam the number of the first parameter.
 * @throws Error if a field has no column.
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
 * Qualified columns for a statement: `orders.id, orders.state`. `table` may be an alias.
 *
 * Statements list the columns that they read. With `*` a statement would return columns that a later migration adds,
 * and the server refuses a prepared statement whose result has changed.
 */
export function columnsOf(table: string, columns: readonly string[]): string {
  return columns.map((column) => `${table}.${column}`).join(', ');
}
