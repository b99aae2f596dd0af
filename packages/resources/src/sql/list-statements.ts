import type { SqlValue } from '@rondo/database';
import { type Condition, type ListQuery, MAX_POSITION } from '../domain/list.js';
import { columnsOf, type Listing } from './listing.js';

/**
 * A statement with its parameters. Its first row has `list_found` or `list_scanned_to`, also if no row of the table matches; then
 * its other columns are null. `list_position` is the row's position, and `list_key` the value by which the list is sorted.
 */
export interface PageStatement {
  readonly sql: string;
  /** That of its rows. */
  readonly order: string;
  readonly params: readonly SqlValue[];
}

/** The most rows that a statement reads in order, or sorts. Either takes a few milliseconds. */
export const MAX_SCANNED = 1_000;

/** A condition in SQL. */
interface Term {
  readonly sql: string;
  /** Undefined if it has alternatives, which no index finds. */
  readonly of?: Condition;
}

/** A column by whose values rows have their places. */
interface PlaceColumn {
  /** Its SQL, its name in what is read, and that in the place up to which rows were read. */
  readonly sql: string;
  readonly listed: string;
  readonly scanned: string;
  /** The parameter with the value of the previous page's last item; undefined if there is none. */
  readonly after: string | undefined;
}

/** The common parts of all statements. */
interface Parts {
  readonly listing: Listing;
  readonly query: ListQuery;
  /** In whose order the list is: the value by which it is sorted, if it is, and the position. */
  readonly places: readonly PlaceColumn[];
  readonly inScope: string;
  /** That the caller sees the row. */
  readonly isSeen: string;
  readonly terms: readonly Term[];
  readonly params: readonly SqlValue[];
  readonly ascends: boolean;
}

/** The rows that a statement reads along an index, and the conditions that only exclude some of them. */
interface Walk {
  readonly branches: readonly string[];
  readonly rest: readonly string[];
}

/** The filter's fields whose index may find few rows directly. */
export function narrowingFields(listing: Listing, { conditions }: ListQuery): readonly string[] {
  const { scannedBy, chronological, unindexed = [] } = listing;
  const scanned = [...(listing.states ? ['state'] : []), scannedBy?.field, chronological?.field, ...unindexed];
  const others = conditions.filter(
    ({ field, comparator, or }) => !scanned.includes(field) && comparator !== '!=' && or === undefined,
  );
  return [...new Set(others.map(({ field }) => field))];
}

/**
 * The statement for a page if few rows satisfy the filter's conditions on one field. It finds them with the field's
 * index and sorts them. `list_found` is their number. If it exceeds {@link MAX_SCANNED}, the statement returns no page.
 */
export function sortStatement(listing: Listing, query: ListQuery, field: string): PageStatement {
  const parts = partsOf(listing, query);
  const { terms, inScope, isSeen } = parts;
  const ofField = terms.filter(({ of }) => of?.field === field).map(({ sql }) => sql);
  const rest = [...statesOf(parts).map(anyOf), ...terms.filter(({ of }) => of?.field !== field).map(({ sql }) => sql)];
  // The ORDER BY makes PostgreSQL use the index of the field, whatever the planner estimates.
  const few = `SELECT ${readOf(parts)}, ${anyOf(livesOf(parts))} AND ${isSeen} AS list_is_listed FROM ${listing.table}
      WHERE ${inScope} AND ${ofField.join(' AND ')}
      ORDER BY ${listing.columns[field]} LIMIT ${MAX_SCANNED + 1}`;
  return pageOfFew(parts, few, ['list_is_listed', ...rest]);
}

/**
 * The statement for a page of a sorted list that is short without its filter's other conditions, such as that of one customer or
 * of what the caller sees. It reads the list along its positions from the beginning, and sorts it. `list_found` is as in
 * {@link sortStatement}. It is undefined if nothing makes the list shorter.
 */
export function sortWalkStatement(listing: Listing, query: ListQuery): PageStatement | undefined {
  const parts = partsOf(listing, query);
  const { branches, rest } = alongPosition(parts);
  if (branches.every((from) => from === fromScope(parts))) return undefined;
  const limit = `ORDER BY ${positionOf(listing)} LIMIT ${MAX_SCANNED + 1}`;
  const few = branches.map((from) => `(SELECT ${readOf(parts)} ${from} ${limit})`).join(' UNION ALL ');
  return pageOfFew(parts, few, rest);
}

/**
 * The statement for a page of what the caller sees, by any index: for a page whose walk has met none of it. It reads all that the
 * caller sees and the filter selects, and sorts it. A place that the walk has reached would tell of rows that the caller doesn't see.
 */
export function visibleStatement(listing: Listing, query: ListQuery): PageStatement {
  const parts = partsOf(listing, query);
  const { terms, isSeen } = parts;
  const alternatives = [livesOf(parts), ...statesOf(parts)].map(anyOf);
  const conditions = [isSeen, ...terms.map(({ sql }) => sql), ...alternatives, isAfter(parts)];
  // Without the OFFSET, PostgreSQL may choose the index in the list's order, which is that of the walk.
  const few = `SELECT ${columnNames(parts)} FROM (SELECT ${readOf(parts)} ${fromScope(parts, conditions)} OFFSET 0) AS seen
    ORDER BY ${orderOf(parts, 'listed')} LIMIT $2`;
  return pageOfFew(parts, few, []);
}

function pageOfFew(parts: Parts, few: string, conditions: readonly string[]): PageStatement {
  const { listing, params } = parts;
  const order = orderOf(parts, 'listed');
  const sql = `
    WITH few AS MATERIALIZED (${few})
    SELECT ${outputOf(parts)}, list_found
    FROM (SELECT count(*) AS list_found FROM few) AS counted
      LEFT JOIN (
        SELECT ${columnNames(parts)} FROM few WHERE ${[...conditions, isAfter(parts, 'listed')].join(' AND ')}
        ORDER BY ${order} LIMIT $2
      ) AS page ON list_found <= ${MAX_SCANNED}
      ${listing.derived?.joins ?? ''}
    ORDER BY ${order}`;
  return { sql, order, params };
}

/**
 * The statement for a page that is found by reading rows in order. It reads branches, each along one index from the page's position
 * on: one branch for each allowed state, for rows that aren't deleted and for deleted ones. It thus doesn't read a million done
 * tasks to find one that isn't done. A list that is sorted by a value has one branch, along the index on the value. Rows that other
 * conditions exclude are read and skipped, but at most {@link MAX_SCANNED} rows a branch. `list_scanned_to` and `list_scanned_key` are the
 * place up to which all rows were read, beyond which the page has none; they are null at the end of the list. It is that of a row
 * which the caller sees, unless `list_is_hidden`: then none of the read rows is.
 */
export function scanStatement(listing: Listing, query: ListQuery): PageStatement {
  const parts = partsOf(listing, query);
  const { places, params, isSeen, ascends } = parts;
  const { branches, rest } = places.length === 1 ? alongPosition(parts) : alongKey(parts);
  const scans = branches.map((from) => `${from} AND ${isAfter(parts)} ORDER BY ${orderOf(parts)}`);
  const pages = scans.map((scan) =>
    rest.length === 0
      ? `(SELECT ${readOf(parts)} ${scan} LIMIT $2)`
      : `(SELECT ${columnNames(parts)} FROM (
            SELECT ${readOf(parts)}, ${rest.join(' AND ')} AS list_is_listed ${scan} LIMIT ${MAX_SCANNED}
          ) AS scanned WHERE list_is_listed LIMIT $2)`,
  );
  const order = orderOf(parts, 'listed');
  const page = `SELECT ${columnNames(parts)} FROM (${pages.join(' UNION ALL ')}) AS branch ORDER BY ${order} LIMIT $2`;
  const joins = listing.derived?.joins ?? '';
  if (rest.length === 0) {
    return { sql: `SELECT ${outputOf(parts)} FROM (${page}) AS page ${joins} ORDER BY ${order}`, order, params };
  }
  const scanned = ['list_is_hidden', ...places.map((place) => place.scanned)].join(', ');
  const hidden = `(${isSeen}) IS NOT TRUE AS list_is_hidden`;
  const reached = [hidden, ...places.map((place) => `${place.sql} AS ${place.scanned}`)].join(', ');
  // A full page of one branch has all rows up to its last one.
  const unlessFull = branches.length === 1 ? 'AND (SELECT count(*) FROM page) < $2' : '';
  const last = orderOf({ places, ascends: !ascends }, 'scanned');
  const ends = branches.map((from) => {
    const walk = `SELECT ${reached} ${from} AND ${isAfter(parts)} ${unlessFull} ORDER BY ${orderOf(parts)}`;
    if (!rest.includes(isSeen)) return `(${walk} OFFSET ${MAX_SCANNED - 1} LIMIT 1)`;
    return `(SELECT ${scanned} FROM (SELECT ${scanned}, count(*) OVER () AS read FROM (${walk} LIMIT ${MAX_SCANNED}) AS walk) AS walk
        WHERE read = ${MAX_SCANNED} ORDER BY list_is_hidden, ${last} LIMIT 1)`;
  });
  const sql = `
    WITH page AS MATERIALIZED (${page})
    SELECT ${outputOf(parts)}, ${scanned}
    FROM (SELECT) AS always
      LEFT JOIN (
        SELECT ${scanned} FROM (${ends.join(' UNION ALL ')}) AS ended ORDER BY ${orderOf(parts, 'scanned')} LIMIT 1
      ) AS scan ON TRUE
      LEFT JOIN page ON list_scanned_to IS NULL OR ${tupleOf(parts, 'listed')} ${ascends ? '<=' : '>='} ${tupleOf(parts, 'scanned')}
      ${joins}
    ORDER BY ${order}`;
  return { sql, order, params };
}

/** The list in the order of its positions. */
function alongPosition(parts: Parts): Walk {
  const { listing, query, terms, isSeen } = parts;
  const { scannedBy } = listing;
  const selecting = terms.find(({ of }) => of?.field === scannedBy?.field && of?.comparator === '=');
  const others = terms.filter((term) => term !== selecting).map(({ sql }) => sql);
  const withState = listing.states === undefined ? false : scannedBy?.withState;
  const states =
    selecting !== undefined && withState === true ? [allowedStates(listing, query.conditions)] : statesOf(parts);
  // Without an index on both, a state only excludes rows.
  const excluding = selecting !== undefined && withState === false;
  // No index has both columns. Usually the caller sees most rows of one customer, or of one owner, or none.
  const seen = listing.visible?.indexed === true && selecting === undefined;
  const conditions = [...(seen ? [isSeen] : []), ...(selecting ? [selecting.sql] : []), ...chronologicalBounds(parts)];
  const branches = combined([livesOf(parts), ...(excluding ? [] : states)]);
  return {
    branches: branches.map((branch) => fromScope(parts, [...conditions, ...branch])),
    rest: [...others, ...(seen || isSeen === 'TRUE' ? [] : [isSeen]), ...(excluding ? states.map(anyOf) : [])],
  };
}

/** The list in the order of a value. Only the scope and conditions on that very value are found by its index. */
function alongKey(parts: Parts): Walk {
  const { query, terms, isSeen } = parts;
  const [key] = parts.places;
  const bounds = terms.flatMap(({ of, sql }) =>
    of?.field === query.order?.field && of?.comparator !== '!='
      ? [`${key?.sql} ${of?.comparator} ${paramOf(sql)}`]
      : [],
  );
  const lives = livesOf(parts);
  return {
    branches: [fromScope(parts, bounds)],
    rest: [
      ...terms.map(({ sql }) => sql).filter((sql) => !bounds.includes(sql)),
      ...statesOf(parts).map(anyOf),
      ...[...(lives.length === 1 ? lives : []), isSeen].filter((sql) => sql !== 'TRUE'),
    ],
  };
}

function fromScope({ listing, inScope }: Parts, conditions: readonly string[] = []): string {
  return `FROM ${listing.table} WHERE ${[inScope, ...conditions.filter((sql) => sql !== 'TRUE')].join(' AND ')}`;
}

function partsOf(listing: Listing, query: ListQuery): Parts {
  const { sql: inScope, params: ofScope } = listing.scope ?? { sql: 'TRUE', params: [] };
  const { sql: isSeen, params: ofSeen } = visibleOf(listing, query, 3 + ofScope.length);
  const ofRows = [...ofScope, ...ofSeen];
  const ascends = query.order === undefined ? listing.order === 'the oldest first' : !query.order.descending;
  const values: SqlValue[] = [];
  const sqlOf = (one: Condition) =>
    isState(listing, one)
      ? anyOf(allowedStates(listing, [{ ...one, or: [] }]))
      : comparisonSql(listing, one, 2 + ofRows.length + values.push(one.value));
  const others = query.conditions.filter((one) => !isOfState(listing, one));
  const terms = others.map(
    (one): Term => (one.or ? { sql: anyOf(alternativesOf(one).map(sqlOf)) } : { sql: sqlOf(one), of: one }),
  );
  const { after, size } = query;
  const key = keyOf(listing, query);
  const value = key === undefined ? undefined : after?.value;
  // One row more than the page, to detect the last one.
  const place = [after?.position ?? (ascends ? 0n : MAX_POSITION), size + 1];
  const params = [...place, ...ofRows, ...values, ...(value === undefined ? [] : [value])];
  const afterKey = value === undefined ? undefined : `$${params.length}`;
  const places = [
    ...(key === undefined ? [] : [{ sql: key, listed: 'list_key', scanned: 'list_scanned_key', after: afterKey }]),
    { sql: positionOf(listing), listed: 'list_position', scanned: 'list_scanned_to', after: '$1' },
  ];
  return { listing, query, inScope, isSeen, terms, ascends, places, params };
}

/** A missing value equals nothing: it matches only `!=`. */
function comparisonSql({ table, columns }: Listing, { field, comparator }: Condition, param: number): string {
  const column = columns[field];
  if (column === undefined) throw new Error(`the listing of ${table} has no column for ${field}`);
  return `${column} ${comparator === '!=' ? 'IS DISTINCT FROM' : comparator} $${param}`;
}

const positionOf = ({ position = 'sequence' }: Listing): string => position;

/** The SQL of the value by which a query sorts the list; undefined if it is the position. */
export function keyOf(listing: Listing, { order }: ListQuery): string | undefined {
  if (order === undefined) return undefined;
  const key = listing.sorted?.[order.field];
  if (key === undefined) throw new Error(`the listing of ${listing.table} isn't sorted by ${order.field}`);
  return key === positionOf(listing) ? undefined : key;
}

/** A caller that sees no row has null, which equals nothing. */
function visibleOf({ table, visible }: Listing, query: ListQuery, param: number) {
  if (query.visible === undefined) return { sql: 'TRUE', params: [] };
  if (visible === undefined) throw new Error(`the listing of ${table} has no column for what a caller sees`);
  return { sql: `${visible.value} = $${param}::text`, params: [query.visible] };
}

/** What a statement reads of the table. */
const readOf = ({ listing: { selected }, places }: Parts): string =>
  [...selected, ...places.map(({ sql, listed }) => `${sql} AS ${listed}`)].join(', ');

/** The names of what is read. */
const columnNames = ({ listing: { selected }, places }: Parts): string =>
  [...selected, ...places.map(({ listed }) => listed)].join(', ');

const outputOf = (parts: Parts): string => {
  const { listing, places } = parts;
  const { selected, derived } = listing;
  const [key] = places.length > 1 ? places : [];
  return [
    columnsOf('page', selected),
    ...places.map(({ listed }) => listed),
    ...(derived ? [derived.columns] : []),
    // No row comes after one without a value, and one without comes after none. The index on the value finds it.
    ...(key ? [`EXISTS (SELECT ${fromScope(parts, [`${key.sql} IS NULL`])}) AS list_has_null`] : []),
  ].join(', ');
};

type Naming = 'sql' | 'listed' | 'scanned';

const orderOf = ({ places, ascends }: Pick<Parts, 'places' | 'ascends'>, naming: Naming = 'sql'): string =>
  places.map((place) => (ascends ? place[naming] : `${place[naming]} DESC`)).join(', ');

const tupleOf = ({ places }: Parts, naming: Naming): string => `(${places.map((place) => place[naming]).join(', ')})`;

/** That a row comes after the previous page. A statement has to name each of its parameters, also on the first page. */
function isAfter(parts: Parts, naming: Naming = 'sql'): string {
  const after = parts.places.flatMap((place) => place.after ?? []);
  if (after.length < parts.places.length) return '$1::bigint IS NOT NULL';
  return `${tupleOf(parts, naming)} ${parts.ascends ? '>' : '<'} (${after.join(', ')})`;
}

/** Alternatives: not deleted and, if wanted, deleted. */
function livesOf({ listing: { deletion }, query: { showDeleted } }: Parts): readonly string[] {
  if (deletion === undefined) return ['TRUE'];
  return showDeleted ? [deletion.live, deletion.deleted] : [deletion.live];
}

/** One list of alternatives, the allowed states, if the filter has conditions on the state. */
function statesOf({ query, listing }: Parts): readonly (readonly string[])[] {
  return query.conditions.some((one) => isOfState(listing, one)) ? [allowedStates(listing, query.conditions)] : [];
}

const alternativesOf = (condition: Condition): readonly Condition[] => [condition, ...(condition.or ?? [])];

/** Whether it is on the state of a row. Without states, a field of that name is as any other. */
const isState = ({ states }: Listing, { field }: Condition): boolean => states !== undefined && field === 'state';

const isOfState = (listing: Listing, condition: Condition): boolean =>
  alternativesOf(condition).every((one) => isState(listing, one));

function allowedStates(listing: Listing, conditions: readonly Condition[]): readonly string[] {
  const { states = [], storedState = (state) => state, columns } = listing;
  const { state: column = 'state' } = columns;
  const ofState = conditions.filter((one) => isOfState(listing, one));
  const isAllowed = (state: string) => ofState.every((one) => alternativesOf(one).some((each) => allows(each, state)));
  const allowed = states.filter(isAllowed);
  return allowed.length === 0 ? ['FALSE'] : allowed.map((state) => `${column} = '${storedState(state)}'`);
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

/** The parameter of a term. */
function paramOf(sql: string): string {
  return sql.slice(sql.lastIndexOf('$'));
}

/** Turns conditions on the chronological field into bounds of the position. */
function chronologicalBounds({ listing: { chronological, position = 'sequence' }, terms }: Parts): readonly string[] {
  if (chronological === undefined) return [];
  return terms.flatMap(({ of, sql }) => {
    if (of?.field !== chronological.field || of.comparator === '!=') return [];
    const value = paramOf(sql);
    const [after, from] = [chronological.firstPosition('>', value), chronological.firstPosition('>=', value)];
    return {
      '>': [`${position} >= ${after}`],
      '>=': [`${position} >= ${from}`],
      '<': [`${position} < ${from}`],
      '<=': [`${position} < ${after}`],
      '=': [`${position} >= ${from}`, `${position} < ${after}`],
    }[of.comparator];
  });
}
