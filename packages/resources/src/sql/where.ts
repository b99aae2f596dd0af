import type { Condition } from '../filter.js';

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
