import type { SqlValue } from '@rondo/database';
import type { Condition, ListQuery } from '@rondo/resources/domain';
import { ascending, columnsOf, descending, whereOf } from '@rondo/resources/sql';

/** How a table is listed in the order of its `sequence`. */
export interface Listing {
  readonly table: string;
  readonly order: 'the oldest first' | 'the newest first';
  /** The columns to read. */
  readonly selected: readonly string[];
  /** The column of each filter field except `state`. Each column that can be compared by order has its own index. */
  readonly columns: Readonly<Record<string, string>>;
  /** All states of a row. */
  readonly states: readonly string[];
  /** The filter field with an index on its column, the state and `sequence`. */
  readonly scannedBy: string;
  /** Whether `create_time` never decreases along `sequence`. */
  readonly chronological: boolean;
  /** A further SQL expression to read. It refers to the row as `page`. */
  readonly beside?: string;
  /** A further condition in SQL. Its parameters are numbered from $3. */
  readonly scope?: { readonly sql: string; readonly params: readonly SqlValue[] };
}

/**
 * A statement with its parameters. Its first row has `found` or `scanned_to`, also if no row of the table matches; then
 * its other columns are null.
 */
interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** The most rows that a statement reads in order, or sorts. Either takes a few milliseconds. */
export const MAX_SCANNED = 1_000;

/** A comparison in SQL. */
interface Term extends Condition {
  readonly sql: string;
}

/** The common parts of both statements. */
interface Parts {
  readonly listing: Listing;
  readonly query: ListQuery;
  readonly inScope: string;
  readonly terms: readonly Term[];
  readonly params: readonly SqlValue[];
  readonly oldestFirst: boolean;
}

/** The filter's fields whose index may find few rows directly. */
export function narrowingFields({ scannedBy, chronological }: Listing, { conditions }: ListQuery): readonly string[] {
  const others = conditions.filter(
    ({ field, comparator }) =>
      field !== 'state' && field !== scannedBy && comparator !== '!=' && !(chronological && field === 'create_time'),
  );
  return [...new Set(others.map(({ field }) => field))];
}

/**
 * The statement for a page if few rows satisfy the filter's conditions on one field. It finds them with the field's
 * index and sorts them. `found` is their number. If it exceeds {@link MAX_SCANNED}, the statement returns no page.
 */
export function sortStatement(listing: Listing, query: ListQuery, field: string): Statement {
  const parts = partsOf(listing, query);
  const { terms, inScope, params } = parts;
  const ofField = terms.filter((term) => term.field === field).map(({ sql }) => sql);
  const others = [...livesOf(query), ...statesOf(parts)].map((branches) => `(${branches.join(' OR ')})`);
  const rest = [...others, ...terms.filter((term) => term.field !== field).map(({ sql }) => sql)];
  const selected = listing.selected.join(', ');
  // The ORDER BY makes PostgreSQL use the index of the field, whatever the planner estimates.
  const sql = `
    WITH few AS MATERIALIZED (SELECT ${selected}, deleted FROM ${listing.table}
      WHERE ${inScope} AND ${ofField.join(' AND ')}
      ORDER BY ${listing.columns[field]} LIMIT ${MAX_SCANNED + 1})
    SELECT ${columnsOf('page', listing.selected)}, ${listing.beside ?? 'NULL AS beside'}, found
    FROM (SELECT count(*) AS found FROM few) AS counted
      LEFT JOIN (SELECT ${selected} FROM few WHERE ${[...rest, 'TRUE'].join(' AND ')} AND ${along(parts)} LIMIT $2) AS page
        ON found <= ${MAX_SCANNED}
    ORDER BY page.sequence ${parts.oldestFirst ? '' : 'DESC'}`;
  return { sql, params };
}

/**
 * The statement for a page that is found by reading rows in order. It reads branches, each along one index from the
 * page's position on: one branch for each allowed state, for rows that aren't deleted and for deleted ones. So it
 * doesn't read a million done tasks to find one that isn't done. Rows that other conditions exclude are read and
 * skipped, but at most {@link MAX_SCANNED} rows a branch. `scanned_to` is the position up to which all rows were read;
 * it is null at the end of the list.
 */
export function scanStatement(listing: Listing, query: ListQuery): Statement {
  const parts = partsOf(listing, query);
  const { terms, inScope, params, oldestFirst } = parts;
  const selected = listing.selected.join(', ');
  const scannedBy = terms.find(({ field, comparator }) => field === listing.scannedBy && comparator === '=');
  const rest = terms.filter((term) => term !== scannedBy).map(({ sql }) => sql);
  const states = scannedBy === undefined ? statesOf(parts) : [allowedStates(parts)];
  const conditions = [inScope, ...(scannedBy ? [scannedBy.sql] : []), ...chronologicalBounds(parts)];
  const scans = combined([...livesOf(query), ...states]).map(
    (branch) => `FROM ${listing.table} WHERE ${[...conditions, ...branch].join(' AND ')} AND ${along(parts)}`,
  );
  const pages = scans.map((scan) =>
    rest.length === 0
      ? `(SELECT ${selected} ${scan} LIMIT $2)`
      : `(SELECT ${selected} FROM (SELECT ${selected} ${scan} LIMIT ${MAX_SCANNED}) AS scanned
          WHERE ${rest.join(' AND ')} LIMIT $2)`,
  );
  const ends =
    rest.length === 0 ? [] : scans.map((scan) => `(SELECT sequence ${scan} OFFSET ${MAX_SCANNED - 1} LIMIT 1)`);
  const direction = oldestFirst ? '' : 'DESC';
  const sql = `
    SELECT ${columnsOf('page', listing.selected)}, ${listing.beside ?? 'NULL AS beside'}, scanned_to
    FROM (SELECT ${oldestFirst ? 'least' : 'greatest'}(${[...ends, 'NULL::bigint'].join(', ')}) AS scanned_to) AS scan
      LEFT JOIN (
        SELECT ${selected} FROM (${pages.join(' UNION ALL ')}) AS branch ORDER BY sequence ${direction} LIMIT $2
      ) AS page ON TRUE
    ORDER BY page.sequence ${direction}`;
  return { sql, params };
}

function partsOf(listing: Listing, query: ListQuery): Parts {
  const { sql: inScope, params } = listing.scope ?? { sql: 'TRUE', params: [] };
  const oldestFirst = listing.order === 'the oldest first';
  const others = query.conditions.filter(({ field }) => field !== 'state');
  const terms = others.map((condition, index) => ({
    ...condition,
    sql: whereOf([condition], listing.columns, 3 + params.length + index).sql,
  }));
  const place = oldestFirst ? ascending(query) : descending(query);
  return {
    listing,
    query,
    inScope,
    terms,
    oldestFirst,
    params: [...place, ...params, ...others.map(({ value }) => value)],
  };
}

function along({ oldestFirst }: Pick<Parts, 'oldestFirst'>): string {
  return oldestFirst ? 'sequence > $1 ORDER BY sequence' : 'sequence < $1 ORDER BY sequence DESC';
}

/** One list of alternatives: not deleted and, if wanted, deleted. */
function livesOf({ showDeleted }: ListQuery): readonly (readonly string[])[] {
  return [showDeleted ? ['NOT deleted', 'deleted'] : ['NOT deleted']];
}

/** One list of alternatives, the allowed states, if the filter has conditions on the state. */
function statesOf(parts: Parts): readonly (readonly string[])[] {
  return parts.query.conditions.some(({ field }) => field === 'state') ? [allowedStates(parts)] : [];
}

function allowedStates({ query, listing }: Parts): readonly string[] {
  const ofState = query.conditions.filter(({ field }) => field === 'state');
  const allowed = listing.states.filter((state) => ofState.every((condition) => allows(condition, state)));
  return allowed.length === 0 ? ['FALSE'] : allowed.map((state) => `state = '${state}'`);
}

/** A state can only be compared by = and !=, as states have no order. */
function allows({ comparator, value }: Condition, state: string): boolean {
  return (comparator === '=') === (value === state);
}

/** The cartesian product of the lists. */
function combined(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lists.reduce<readonly (readonly string[])[]>(
    (ways, list) => ways.flatMap((way) => list.map((one) => [...way, one])),
    [[]],
  );
}

/** Turns conditions on the time into bounds of `sequence`, if rows are in the order of their times. */
function chronologicalBounds({ listing, terms, inScope }: Parts): readonly string[] {
  if (!listing.chronological) return [];
  return terms.flatMap(({ field, comparator, sql }) => {
    if (field !== 'create_time' || comparator === '!=') return [];
    const place = (condition: string) =>
      `coalesce((SELECT sequence FROM ${listing.table} WHERE ${inScope} AND ${condition}
         ORDER BY create_time, sequence LIMIT 1), ${2n ** 63n - 1n})`;
    const value = sql.slice(sql.lastIndexOf('$'));
    return {
      '>': [`sequence >= ${place(`create_time > ${value}`)}`],
      '>=': [`sequence >= ${place(`create_time >= ${value}`)}`],
      '<': [`sequence < ${place(`create_time >= ${value}`)}`],
      '<=': [`sequence < ${place(`create_time > ${value}`)}`],
      '=': [`sequence >= ${place(`create_time >= ${value}`)}`, `sequence < ${place(`create_time > ${value}`)}`],
    }[comparator];
  });
}
