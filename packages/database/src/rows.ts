import { UnexpectedRowCount } from './errors.js';
import type { Queries, QueryOptions, SqlValue } from './sql.js';

type RunQuery = <Row extends object>(sql: string, params: readonly SqlValue[], options: QueryOptions) => Promise<Row[]>;

/** The three shapes of a result, over one way to run a statement. */
export function createQueries(run: RunQuery): Queries {
  return {
    query: (sql, params = [], options = {}) => run(sql, params, options),
    one: async <Row extends object>(sql: string, params: readonly SqlValue[] = [], options: QueryOptions = {}) => {
      const rows = await run<Row>(sql, params, options);
      const [row] = rows;
      if (row === undefined || rows.length > 1) throw new UnexpectedRowCount('one row', rows.length);
      return row;
    },
    maybeOne: async <Row extends object>(sql: string, params: readonly SqlValue[] = [], options: QueryOptions = {}) => {
      const rows = await run<Row>(sql, params, options);
      if (rows.length > 1) throw new UnexpectedRowCount('at most one row', rows.length);
      return rows[0];
    },
  };
}
