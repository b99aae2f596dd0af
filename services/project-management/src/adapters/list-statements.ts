import type { SqlValue } from '@rondo/database';
import { ascending, columnsOf, descending, whereOf } from '@rondo/resources/sql';
import type { Condition, ListQuery } from '../domain/page.js';

/** A list that is read along `sequence`. */
export interface Listing {
  readonly table: string;
  readonly order: 'the oldest first' | 'the newest first';
  /** The columns that are read. */
  readonly selected: readonly string[];
  /** By a filter's field, `state` apart: its column. Each that is compared by order has an index of its own. */
  readonly columns: Readonly<Record<string, string>>;
  /** Every state that a row can have. */
  readonly states: readonly string[];
  /** The field by whose value and the state there is an index along `sequence`. */
  readonly walkedBy: string;
  /** Whether `create_time` never goes back along `sequence`. */
  readonly chronological: boolean;
  /** What is read beside the columns, in SQL; `page` is the row. */
  readonly beside?: string;
  /** What else has to hold, in SQL; its parameters are numbered from $3. */
  readonly scope?: { readonly sql: string; readonly params: readonly SqlValue[] };
}

/** A statement with its parameters. Its first row tells of all, and may be of no row of the table. */
interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** How many rows are walked along to find a page, and how many are sorted; both cost a few milliseconds at most. */
export const MAX_WALKED = 1_000;

/** A comparison in SQL. */
interface Term extends Condition {
  readonly sql: string;
}

/** What both statements are made of. */
interface Parts {
  readonly listing: Listing;
  readonly query: ListQuery;
  readonly inScope: string;
  readonly terms: readonly Term[];
  readonly params: readonly SqlValue[];
  readonly oldestFirst: boolean;
}

/** The fields that a filter compares and that have an index by which few rows are found at once. */
export function narrowingFields({ walkedBy, chronological }: Listing, { conditions }: ListQuery): readonly string[] {
  const others = conditions.filter(
    ({ field, comparator }) =>
      field !== 'state' && field !== walkedBy && comparator !== '!=' && !(chronological && field === 'create_time'),
  );
  return [...new Set(others.map(({ field }) => field))];
}

/**
 * The statement for a page where few rows are what the filter wants of one field: these are found by its index, and
 * sorted. `found` tells how many they are: where that is more than {@link MAX_WALKED}, there is no page.
 */
export function fewStatement(listing: Listing, query: ListQuery, field: string): Statement {
  const parts = partsOf(listing, query);
  const { terms, inScope, params } = parts;
  const ofField = terms.filter((term) => term.field === field).map(({ sql }) => sql);
  const others = [...livesOf(query), ...statesOf(parts)].map((branches) => `(${branches.join(' OR ')})`);
  const rest = [...others, ...terms.filter((term) => term.field !== field).map(({ sql }) => sql)];
  const selected = listing.selected.join(', ');
  // The order makes it the field's own index that is read, whatever the planner believes of the values.
  const sql = `
    WITH few AS MATERIALIZED (SELECT ${selected}, deleted FROM ${listing.table}
      WHERE ${inScope} AND ${ofField.join(' AND ')}
      ORDER BY ${listing.columns[field]} LIMIT ${MAX_WALKED + 1})
    SELECT ${columnsOf('page', listing.selected)}, ${listing.beside ?? 'NULL AS beside'}, found
    FROM (SELECT count(*) AS found FROM few) AS counted
      LEFT JOIN (SELECT ${selected} FROM few WHERE ${[...rest, 'TRUE'].join(' AND ')} AND ${along(parts)} LIMIT $2) AS page
        ON found <= ${MAX_WALKED}
    ORDER BY page.sequence ${parts.oldestFirst ? '' : 'DESC'}`;
  return { sql, params };
}

/**
 * The statement for a page that is walked along: over branches that each follow one index from the position on, one for
 * each state that the filter allows, for what is there and for what is deleted. So nobody walks over a million tasks that
 * are done to find one that isn't. What else a filter leaves out is walked over, but for no more than {@link MAX_WALKED}
 * rows of a branch: `walked_to` is the place up to which all was looked at, and null where there is no more.
 */
export function walkStatement(listing: Listing, query: ListQuery): Statement {
  const parts = partsOf(listing, query);
  const { terms, inScope, params, oldestFirst } = parts;
  const selected = listing.selected.join(', ');
  const walkedBy = terms.find(({ field, comparator }) => field === listing.walkedBy && comparator === '=');
  const rest = terms.filter((term) => term !== walkedBy).map(({ sql }) => sql);
  const states = walkedBy === undefined ? statesOf(parts) : [allowedStates(parts)];
  const conditions = [inScope, ...(walkedBy ? [walkedBy.sql] : []), ...chronologicalBounds(parts)];
  const walks = combined([...livesOf(query), ...states]).map(
    (branch) => `FROM ${listing.table} WHERE ${[...conditions, ...branch].join(' AND ')} AND ${along(parts)}`,
  );
  const pages = walks.map((walk) =>
    rest.length === 0
      ? `(SELECT ${selected} ${walk} LIMIT $2)`
      : `(SELECT ${selected} FROM (SELECT ${selected} ${walk} LIMIT ${MAX_WALKED}) AS walked
          WHERE ${rest.join(' AND ')} LIMIT $2)`,
  );
  const ends =
    rest.length === 0 ? [] : walks.map((walk) => `(SELECT sequence ${walk} OFFSET ${MAX_WALKED - 1} LIMIT 1)`);
  const direction = oldestFirst ? '' : 'DESC';
  const sql = `
    SELECT ${columnsOf('page', listing.selected)}, ${listing.beside ?? 'NULL AS beside'}, walked_to
    FROM (SELECT ${oldestFirst ? 'least' : 'greatest'}(${[...ends, 'NULL::bigint'].join(', ')}) AS walked_to) AS walk
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

/** Alternatives; together they are what is asked for. */
function livesOf({ showDeleted }: ListQuery): readonly (readonly string[])[] {
  return [showDeleted ? ['NOT deleted', 'deleted'] : ['NOT deleted']];
}

/** Alternatives for the states, where the filter is of them. */
function statesOf(parts: Parts): readonly (readonly string[])[] {
  return parts.query.conditions.some(({ field }) => field === 'state') ? [allowedStates(parts)] : [];
}

function allowedStates({ query, listing }: Parts): readonly string[] {
  const ofState = query.conditions.filter(({ field }) => field === 'state');
  const allowed = listing.states.filter((state) => ofState.every((condition) => allows(condition, state)));
  return allowed.length === 0 ? ['FALSE'] : allowed.map((state) => `state = '${state}'`);
}

/** A state has no order: a filter compares it by these two. */
function allows({ comparator, value }: Condition, state: string): boolean {
  return (comparator === '=') === (value === state);
}

/** Each way to take one of every list. */
function combined(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lists.reduce<readonly (readonly string[])[]>(
    (ways, list) => ways.flatMap((way) => list.map((one) => [...way, one])),
    [[]],
  );
}

/** Where rows are in the order of their times, a time is a place in the list. */
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
