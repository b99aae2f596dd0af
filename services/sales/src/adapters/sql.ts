import type { SqlValue } from '@rondo/database';
import { descending, whereOf } from '@rondo/resources/sql';
import type { ListQuery } from '../domain/list.js';

/** What is listed. */
export interface Listing {
  /** `SELECT … FROM …`. */
  readonly select: string;
  /** The table, or its alias, whose `sequence` and `delete_time` are meant. */
  readonly table: string;
  /** An expression for each field that a filter may compare. */
  readonly columns: Readonly<Record<string, string>>;
  /** Whether rows have a `delete_time`. */
  readonly deletable: boolean;
}

/** A list, the newest first, and one row more than the page has. */
export function listSql(
  { select, table, columns, deletable }: Listing,
  query: ListQuery,
): readonly [sql: string, params: readonly SqlValue[]] {
  const page = descending(query);
  const where = whereOf(query.conditions, columns, page.length + 1);
  const there = deletable && !query.showDeleted ? `AND ${table}.delete_time IS NULL` : '';
  const sql = `${select} WHERE ${table}.sequence < $1 ${there} AND ${where.sql} ORDER BY ${table}.sequence DESC LIMIT $2`;
  return [sql, [...page, ...where.params]];
}
