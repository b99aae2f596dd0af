/**
 * Columns as a statement lists them, each of `table`, which may be an alias: `orders.id, orders.state`.
 *
 * Statements list what they read. With `*` they would return what a later version's migration has added, and a prepared
 * one is refused by the server from that migration on.
 */
export function columnsOf(table: string, columns: readonly string[]): string {
  return columns.map((column) => `${table}.${column}`).join(', ');
}
