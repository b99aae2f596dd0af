import type { SqlValue } from '@rondo/database';
import type { Condition, ListQuery } from '../domain/list.js';
import type { Listing } from './listing.js';
import { ascending, columnsOf, descending, whereOf } from './query.js';

/**
 * A statement with its parameters. Its first row has `found` or `scanned_to`, also if no row of the table matches; then
 * its other columns are null. `list_position` is the row's position.
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
  readonly position: string;
  readonly inScope: string;
  /** That the caller sees the row. */
  readonly inSight: string;
  readonly terms: readonly Term[];
  readonly params: readonly SqlValue[];
  readonly oldestFirst: boolean;
}

/** The filter's fields whose index may find few rows directly. */
export function narrowingFields(listing: Listing, { conditions }: ListQuery): readonly string[] {
  const { scannedBy, chronological, unindexed = [] } = listing;
  const scanned = ['state', scannedBy?.field, chronological?.field, ...unindexed];
  const others = conditions.filter(({ field, comparator }) => !scanned.includes(field) && comparator !== '!=');
  return [...new Set(others.map(({ field }) => field))];
}

/**
 * The statement for a page if few rows satisfy the filter's conditions on one field. It finds them with the field's
 * index and sorts them. `found` is their number. If it exceeds {@link MAX_SCANNED}, the statement returns no page.
 */
export function sortStatement(listing: Listing, query: ListQuery, field: string): Statement {
  const parts = partsOf(listing, query);
  const { terms, inScope, inSight, params } = parts;
  const ofField = terms.filter((term) => term.field === field).map(({ sql }) => sql);
  const rest = [...statesOf(parts).map(anyOf), ...terms.filter((term) => term.field !== field).map(({ sql }) => sql)];
  const selected = listing.selected.join(', ');
  // The ORDER BY makes PostgreSQL use the index of the field, whatever the planner estimates.
  const sql = `
    WITH few AS MATERIALIZED (SELECT ${selected}, ${anyOf(livesOf(parts))} AND ${inSight} AS is_listed FROM ${listing.table}
      WHERE ${inScope} AND ${ofField.join(' AND ')}
      ORDER BY ${listing.columns[field]} LIMIT ${MAX_SCANNED + 1})
    SELECT ${outputOf(parts)}, found
    FROM (SELECT count(*) AS found FROM few) AS counted
      LEFT JOIN (
        SELECT ${selected} FROM few WHERE ${['is_listed', ...rest].join(' AND ')} AND ${along(parts)} LIMIT $2
      ) AS page ON found <= ${MAX_SCANNED}
      ${listing.beside?.joins ?? ''}
    ORDER BY list_position ${parts.oldestFirst ? '' : 'DESC'}`;
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
  const { position, params, oldestFirst } = parts;
  const selected = listing.selected.join(', ');
  const { scans, rest } = scansOf(parts);
  const pages = scans.map((scan) =>
    rest.length === 0
      ? `(SELECT ${selected} ${scan} LIMIT $2)`
      : `(SELECT ${selected} FROM (SELECT ${selected} ${scan} LIMIT ${MAX_SCANNED}) AS scanned
          WHERE ${rest.join(' AND ')} LIMIT $2)`,
  );
  const ends =
    rest.length === 0 ? [] : scans.map((scan) => `(SELECT ${position} ${scan} OFFSET ${MAX_SCANNED - 1} LIMIT 1)`);
  const direction = oldestFirst ? '' : 'DESC';
  const sql = `
    SELECT ${outputOf(parts)}, scanned_to
    FROM (SELECT ${oldestFirst ? 'least' : 'greatest'}(${[...ends, 'NULL::bigint'].join(', ')}) AS scanned_to) AS scan
      LEFT JOIN (
        SELECT ${selected} FROM (${pages.join(' UNION ALL ')}) AS branch ORDER BY ${position} ${direction} LIMIT $2
      ) AS page ON TRUE
      ${listing.beside?.joins ?? ''}
    ORDER BY list_position ${direction}`;
  return { sql, params };
}

/** The branches to read in order, and the conditions that only exclude rows of them. */
function scansOf(parts: Parts): { readonly scans: readonly string[]; readonly rest: readonly string[] } {
  const { listing, terms, inScope, inSight } = parts;
  const { scannedBy, table } = listing;
  const selecting = terms.find(({ field, comparator }) => field === scannedBy?.field && comparator === '=');
  const others = terms.filter((term) => term !== selecting).map(({ sql }) => sql);
  const withState = scannedBy?.withState === true && listing.states !== undefined;
  const states = selecting !== undefined && withState ? [allowedStates(parts)] : statesOf(parts);
  // Without an index on both, a state only excludes rows.
  const excluding = selecting !== undefined && !withState;
  const seen = listing.sight?.indexed === true;
  const conditions = [
    inScope,
    ...(seen ? [inSight] : []),
    ...(selecting ? [selecting.sql] : []),
    ...chronologicalBounds(parts),
  ];
  const branches = combined([livesOf(parts), ...(excluding ? [] : states)]);
  return {
    scans: branches.map(
      (branch) => `FROM ${table} WHERE ${[...conditions, ...branch].join(' AND ')} AND ${along(parts)}`,
    ),
    rest: [...others, ...(seen || inSight === 'TRUE' ? [] : [inSight]), ...(excluding ? states.map(anyOf) : [])],
  };
}

function partsOf(listing: Listing, query: ListQuery): Parts {
  const { sql: inScope, params: ofScope } = listing.scope ?? { sql: 'TRUE', params: [] };
  const { sql: inSight, params: ofSight } = sightOf(listing, query, 3 + ofScope.length);
  const params = [...ofScope, ...ofSight];
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
    position: listing.position ?? 'sequence',
    inScope,
    inSight,
    terms,
    oldestFirst,
    params: [...place, ...params, ...others.map(({ value }) => value)],
  };
}

/** A caller that sees no row has null, which equals nothing. */
function sightOf({ table, sight }: Listing, query: ListQuery, param: number) {
  if (query.sight === undefined) return { sql: 'TRUE', params: [] };
  if (sight === undefined) throw new Error(`the listing of ${table} has no column for what a caller sees`);
  return { sql: `${sight.value} = $${param}::text`, params: [query.sight] };
}

function outputOf({ listing, position }: Parts): string {
  const { selected, beside } = listing;
  return [columnsOf('page', selected), `page.${position} AS list_position`, ...(beside ? [beside.columns] : [])].join(
    ', ',
  );
}

function along({ oldestFirst, position }: Parts): string {
  return oldestFirst ? `${position} > $1 ORDER BY ${position}` : `${position} < $1 ORDER BY ${position} DESC`;
}

/** Alternatives: not deleted and, if wanted, deleted. */
function livesOf({ listing: { deletion }, query: { showDeleted } }: Parts): readonly string[] {
  if (deletion === undefined) return ['TRUE'];
  return showDeleted ? [deletion.live, deletion.deleted] : [deletion.live];
}

/** One list of alternatives, the allowed states, if the filter has conditions on the state. */
function statesOf(parts: Parts): readonly (readonly string[])[] {
  return parts.query.conditions.some(({ field }) => field === 'state') ? [allowedStates(parts)] : [];
}

function allowedStates({ query, listing: { states = [], storedState = (state) => state } }: Parts): readonly string[] {
  const ofState = query.conditions.filter(({ field }) => field === 'state');
  const allowed = states.filter((state) => ofState.every((condition) => allows(condition, state)));
  return allowed.length === 0 ? ['FALSE'] : allowed.map((state) => `state = '${storedState(state)}'`);
}

/** A state can only be compared by = and !=, as states have no order. */
function allows({ comparator, value }: Condition, state: string): boolean {
  return (comparator === '=') === (value === state);
}

function anyOf(alternatives: readonly string[]): string {
  return `(${alternatives.join(' OR ')})`;
}

/** The cartesian product of the lists. */
function combined(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lists.reduce<readonly (readonly string[])[]>(
    (ways, list) => ways.flatMap((way) => list.map((one) => [...way, one])),
    [[]],
  );
}

/** Turns conditions on the chronological field into bounds of the position. */
function chronologicalBounds({ listing: { chronological }, terms, position }: Parts): readonly string[] {
  if (chronological === undefined) return [];
  return terms.flatMap(({ field, comparator, sql }) => {
    if (field !== chronological.field || comparator === '!=') return [];
    const value = sql.slice(sql.lastIndexOf('$'));
    const [after, from] = [chronological.firstPosition('>', value), chronological.firstPosition('>=', value)];
    return {
      '>': [`${position} >= ${after}`],
      '>=': [`${position} >= ${from}`],
      '<': [`${position} < ${from}`],
      '<=': [`${position} < ${after}`],
      '=': [`${position} >= ${from}`, `${position} < ${after}`],
    }[comparator];
  });
}
