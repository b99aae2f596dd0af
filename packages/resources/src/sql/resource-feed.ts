import type { Queries, SqlValue, Transaction } from '@rondo/database';
import { currentWorkLimits } from '@rondo/rpc/call';
import { type KeyedRows, payloadFields, type Sync } from '@rondo/sync';
import type { ResourceEvent, ResourceFeed, ResourceWatch, Watcher } from '../domain/watch.js';
import { cutBySize } from './message-size.js';
import { toWatchError } from './store-database.js';

/** How many rows are read at once. They are sent in one message if they fit. */
const PART = 100;

/**
 * How the rows of a table are watched. Their changes have the table's name as topic. Each is a row as JSON with texts, has such rows in
 * `rows`, or is a handover, as the trigger `sync_append_row` of `@rondo/sync` appends them.
 */
export interface FeedSource<Row, T> {
  readonly table: string;
  /** A SELECT of rows, without a WHERE clause. */
  readonly select: string;
  /** The SQL condition of the rows that snapshots have; by default all. */
  readonly live?: string;
  /** The column along which snapshots are read, by an index: unique, positive, and never changed. */
  readonly key: string;
  readonly keyOf: (row: Row) => bigint;
  readonly toItem: (row: Row) => T;
  /** The bytes of an encoded item, or an upper bound. */
  readonly sizeOf: (item: T) => number;
  /** The column with the id of `ResourceWatch.of`, and the field that changes have for it, by default the same. */
  readonly partOf?: { readonly column: string; readonly field?: string };
  readonly sight?: FeedSight;
  /** The item in a row of a change, which has texts. */
  readonly parse: (row: object) => T;
}

/** Which rows a watcher sees. */
export interface FeedSight {
  /** The column whose value decides. */
  readonly column: string;
  /** Its value in the rows that the watcher sees; null if it sees none, undefined if it sees all. */
  readonly of: (watcher: Watcher, queries: Queries) => Promise<Sight> | Sight;
}

type Sight = string | null | undefined;

/** What a feed reads. */
export interface FeedOptions {
  readonly sync: Pick<Sync, 'watch'>;
  /** For what watchers see. */
  readonly queries: Queries;
}

/**
 * Creates the feed of the rows of a table. A row that comes into or goes out of a watcher's sight is a handover: the watch of the
 * watcher begins again with a snapshot.
 */
export function createResourceFeed<Row extends object, T>(
  options: FeedOptions,
  source: FeedSource<Row, T>,
): ResourceFeed<T> {
  return {
    async *watch(watch) {
      try {
        let token: string | undefined = watch.resumeToken;
        while (token !== undefined)
          token = yield* eventsUntilHandover(options, source, { ...watch, resumeToken: token });
      } catch (error) {
        throw toWatchError(error, `the same ${source.table}`);
      }
    },
  };
}

/** Returns the token with which the next watch begins: none. */
async function* eventsUntilHandover<Row extends object, T>(
  options: FeedOptions,
  source: FeedSource<Row, T>,
  watch: ResourceWatch,
): AsyncGenerator<ResourceEvent<T>, string | undefined, undefined> {
  const { resumeToken, signal } = watch;
  const view = await viewOf(options, source, watch);
  const { caller } = currentWorkLimits();
  for await (const event of options.sync.watch({ topic: source.table, resumeToken, caller, signal, ...view })) {
    const { resumeToken: reached = '' } = event;
    if (event.kind === 'snapshot') {
      yield { kind: 'snapshot', items: event.part, first: event.first, more: !event.last, resumeToken: reached };
    } else if (isHandover(event.payload)) {
      return '';
    } else {
      const row = payloadFields(event.payload);
      const kind = row.optional('removed') === null ? 'changed' : 'removed';
      yield { kind, item: source.parse(rowIn(event.payload)), resumeToken: reached };
    }
  }
  return undefined;
}

/** The part of a feed that a watch is of. */
async function viewOf<Row extends object, T>(
  { queries }: FeedOptions,
  source: FeedSource<Row, T>,
  { of, watcher, fromNow }: ResourceWatch,
) {
  const readSight = async (from: Queries): Promise<Sight> => watcher && source.sight?.of(watcher, from);
  let sight = await readSight(queries);
  const { column = '', field = column } = source.partOf ?? {};
  const names = [fromNow ? 'from now' : '', of === undefined ? '' : `${field} ${of}`, identityOf(watcher)];
  return {
    filter: {
      // It has everything that narrows the watch, as a resume token is valid for the same watch only.
      name: names.every((name) => name === '') ? '' : JSON.stringify(names),
      accepts(row: unknown): boolean {
        const { optional } = payloadFields(row);
        if (of !== undefined && (optional(field) ?? of) !== of) return false;
        if (!isHandover(row)) return sight === undefined || isAmong(sight, [optional(source.sight?.column ?? '')]);
        return optional('person') === watcher?.subject || isAmong(sight, [optional('from'), optional('to')]);
      },
    },
    snapshot: {
      async readAfter(transaction: Transaction, after: bigint): Promise<KeyedRows<readonly T[]>> {
        // At the moment of the rows: if it changes later, that is a handover to come.
        sight = await readSight(transaction);
        if (fromNow) return { parts: [{ part: [], lastKey: after }], last: true };
        const rows = await transaction.query<Row>(...partQuery(source, after, { of, sight }));
        return { parts: [...partsOf(source, rows, after)], last: rows.length < PART };
      },
      // A handover is told, whatever part the watch is at, as it changes rows of all parts.
      keyOf: (row: unknown) => (isHandover(row) ? 0n : payloadFields(row).whole(source.key)),
    },
    // Those who see all rows get no handover, but the rows that it has.
    rowsOf: (payload: unknown) =>
      sight !== undefined && isHandover(payload) ? [payload] : rowsIn(payload, source.key),
  };
}

const rowIn = (payload: unknown): object => (typeof payload === 'object' && payload !== null ? payload : {});

/** The rows that a change has, or the one that it is. Without its key it is none, as of a handover of rows of other tables. */
function rowsIn(payload: unknown, key: string): readonly unknown[] {
  if (typeof payload !== 'object' || payload === null) return [];
  if ('rows' in payload) return payloadFields(payload).list('rows');
  return key in payload ? [payload] : [];
}

function isHandover(payload: unknown): boolean {
  return typeof payload === 'object' && payload !== null && 'handover' in payload;
}

function isAmong(sight: Sight, values: readonly (string | null)[]): boolean {
  return typeof sight === 'string' && values.includes(sight);
}

function identityOf(watcher: Watcher | undefined): string {
  return watcher === undefined ? '' : JSON.stringify([watcher.issuer, watcher.subject]);
}

function partQuery<Row, T>(
  { table, select, live, key, partOf, sight: by }: FeedSource<Row, T>,
  after: bigint,
  { of, sight }: { readonly of: string | undefined; readonly sight: Sight },
): [sql: string, params: SqlValue[]] {
  const params: SqlValue[] = [after];
  const equals = (column: string, value: SqlValue) => `${table}.${column} = $${params.push(value)}::text`;
  const conditions = [
    ...(live === undefined ? [] : [live]),
    ...(of === undefined || partOf === undefined ? [] : [equals(partOf.column, of)]),
    ...(sight === undefined || by === undefined ? [] : [equals(by.column, sight)]),
    `${table}.${key} > $1`,
  ];
  return [`${select} WHERE ${conditions.join(' AND ')} ORDER BY ${table}.${key} LIMIT ${PART}`, params];
}

function* partsOf<Row, T>(
  { keyOf, toItem, sizeOf }: FeedSource<Row, T>,
  rows: readonly Row[],
  after: bigint,
): Generator<KeyedRows<readonly T[]>['parts'][number]> {
  const items = rows.map((row) => ({ key: keyOf(row), item: toItem(row) }));
  for (const part of cutBySize(items, ({ item }) => sizeOf(item))) {
    yield { part: part.map(({ item }) => item), lastKey: part.at(-1)?.key ?? after };
  }
}
