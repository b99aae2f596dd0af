import type { SqlValue } from '@rondo/database';
import type { ListQuery } from '@rondo/resources/domain';
import { descending, whereOf } from '@rondo/resources/sql';

/** Assigns the columns that every change of a versioned row updates. */
export const CHANGED = 'version = version + 1, update_time = greatest(clock_timestamp(), update_time)';

/** How a table is listed. */
export interface Listing {
  /** `SELECT … FROM …`. */
  readonly select: string;
  /** The table that has the columns `sequence` and `delete_time`. */
  readonly table: string;
  /** The SQL expression of each field that a filter may compare. */
  readonly columns: Readonly<Record<string, string>>;
  /** Whether the table has a `delete_time`. */
  readonly deletable: boolean;
}

/**
 * The statement for one page, the newest row first. It reads one row more, which shows whether another page follows.
 */
export function listSql(
  { select, table, columns, deletable }: Listing,
  query: ListQuery,
): readonly [sql: string, params: readonly SqlValue[]] {
  const page = descending(query);
  const where = whereOf(query.conditions, columns, page.length + 1);
  const live = deletable && !query.showDeleted ? `AND ${table}.delete_time IS NULL` : '';
  const sql = `${select} WHERE ${table}.sequence < $1 ${live} AND ${where.sql} ORDER BY ${table}.sequence DESC LIMIT $2`;
  return [sql, [...page, ...where.params]];
}
