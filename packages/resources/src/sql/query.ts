/**
 * Reads rows in parts of `size`, in the order of their `sequence`. If there are none, it yields one empty part.
 *
 * @param read the first rows after a `sequence`, at most `size`.
 */
export async function* inParts<Row extends { readonly sequence: bigint }>(
  size: number,
  read: (after: bigint) => Promise<readonly Row[]>,
): AsyncGenerator<readonly Row[]> {
  for (let after = 0n; ; ) {
    const rows = await read(after);
    const last = rows.at(-1);
    if (last !== undefined || after === 0n) yield rows;
    if (last === undefined || rows.length < size) return;
    after = last.sequence;
  }
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
