import type { Queries, SqlValue, Transaction } from '@rondo/database';
import { currentWorkLimits } from '@rondo/rpc/call';
import { fittingSql, isCut, keyedRows } from '../sql/message-size.js';
import { payloadFields } from '../sync/changes.js';
import type { Sync } from '../sync/sync.js';
import type { Row } from './column.js';
import { storedBigint } from './column.js';
import { objectIn, valueIn } from './json-column.js';
import { DELETION } from './lists.js';
import type { Model } from './model.js';
import type { Table } from './table.js';
import type { Visibility, Visible, Watcher } from './visibility.js';

/** How many rows are read at once. They are sent in one message if they fit. */
const PART = 100;

/** Which resources are watched, and from which position. */
export interface ResourceWatch {
  /** Those alone that have a value in a column, such as the id of their customer; by default all. */
  readonly of?: { readonly column: string; readonly value: string } | undefined;
  /** On whose behalf they are watched; undefined for a process. A resume token is valid for the same watcher that sees all, or doesn't. */
  readonly watcher: Watcher | undefined;
  /** Begins without the resources that there are. */
  readonly fromNow: boolean;
  /** The token of the last event of an earlier watch; empty to begin with a snapshot. */
  readonly resumeToken: string;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** An event of a watch. The watch can be resumed after it with its token. */
export type ResourceEvent<T> =
  | {
      readonly kind: 'snapshot';
      readonly items: readonly T[];
      /** Whether it begins a new snapshot, which replaces everything before it. */
      readonly first: boolean;
      /** Whether another part of the same snapshot follows. */
      readonly more: boolean;
      readonly resumeToken: string;
    }
  | {
      /** After its creation or a change, deletions that can be undone included; removed if it doesn't exist any more. */
      readonly kind: 'changed' | 'removed';
      readonly item: T;
      readonly resumeToken: string;
    };

/**
 * How the rows of a table are watched. Their changes have the table's name as topic. Each is a row as JSON with texts, has such rows in
 * `rows`, or is a handover, as the trigger `sync_append_row` appends them.
 */
export interface FeedSource<T> {
  readonly table: string;
  /** A SELECT of rows, without a WHERE clause. */
  readonly select: string;
  /** The SQL of the bytes of a row; see Listing. */
  readonly bytes?: string | undefined;
  /** The SQL condition of the rows that snapshots have; by default all. */
  readonly live?: string | undefined;
  /** The column along which snapshots are read, by an index: unique, positive, and never changed. */
  readonly key: string;
  readonly toItem: (row: Row) => T;
  /** The names that changes have for columns, where they differ. */
  readonly changed: Readonly<Record<string, string>>;
  /** Which rows a watcher sees. */
  readonly visibleTo?: Pick<Visibility, 'column' | 'of'> | undefined;
}

/** How the rows of a resource are watched. */
export function feedOf<M>(model: Model<M>, { select, bytes }: Table, toItem: (row: Row) => M): FeedSource<M> {
  const { table, list = {}, visibleTo, changed = {} } = model.definition;
  const live = list.deletion?.live ?? (model.has('deleteTime') ? `${table}.${DELETION.live}` : undefined);
  return { table, select, bytes, live, key: list.position ?? 'sequence', toItem, changed, visibleTo };
}

/** What a feed reads. */
export interface FeedOptions {
  readonly sync: Pick<Sync, 'watch'>;
  /** For what watchers see. */
  readonly queries: Queries;
}

/**
 * Streams the rows of a table and their changes, whichever replica makes them: a snapshot, and then every change once, in order. A row
 * that comes into or goes out of a watcher's sight is a handover: the watch of the watcher begins again with a snapshot.
 *
 * @throws `InvalidResumeToken`, `WatchAborted` or `WatchUnavailable`, or the signal's reason.
 */
export async function* watchRows<T>(
  options: FeedOptions,
  source: FeedSource<T>,
  watch: ResourceWatch,
): AsyncGenerator<ResourceEvent<T>, void, undefined> {
  let token: string | undefined = watch.resumeToken;
  while (token !== undefined) token = yield* eventsUntilHandover(options, source, { ...watch, resumeToken: token });
}

/** Returns the token with which the next watch begins: none. */
async function* eventsUntilHandover<T>(
  options: FeedOptions,
  source: FeedSource<T>,
  watch: ResourceWatch,
): AsyncGenerator<ResourceEvent<T>, string | undefined, undefined> {
  const { resumeToken, signal } = watch;
  const view = await viewOf(options, source, watch);
  const { caller } = currentWorkLimits();
  const renamed = Object.entries(source.changed);
  for await (const event of options.sync.watch({ topic: source.table, resumeToken, caller, signal, ...view })) {
    const { resumeToken: reached } = event;
    if (event.kind === 'snapshot') {
      yield { kind: 'snapshot', items: event.part, first: event.first, more: !event.last, resumeToken: reached };
    } else if (isHandover(event.payload)) {
      return '';
    } else {
      const row = objectIn(event.payload);
      const kind = valueIn(row, 'removed') == null ? 'changed' : 'removed';
      // It has the columns of the row, as texts.
      const columns = renamed.map(([column, name]) => [column, valueIn(row, name)] as const);
      yield { kind, item: source.toItem({ ...row, ...Object.fromEntries(columns) }), resumeToken: reached };
    }
  }
  return undefined;
}

/** The part of a feed that a watch is of. */
async function viewOf<T>({ queries }: FeedOptions, source: FeedSource<T>, { of, watcher, fromNow }: ResourceWatch) {
  const { key, toItem, changed } = source;
  const readVisible = async (from: Queries): Promise<Visible> => watcher && source.visibleTo?.of(watcher, from);
  let visible = await readVisible(queries);
  const named = (column = ''): string => changed[column] ?? column;
  const field = named(of?.column);
  const seesAll = source.visibleTo !== undefined && visible === undefined;
  const names = [
    fromNow ? 'from now' : '',
    of === undefined ? '' : `${field} ${of.value}`,
    identityOf(watcher, seesAll),
  ];
  return {
    filter: {
      // It has everything that narrows the watch, as a resume token is valid for the same watch only.
      name: names.every((name) => name === '') ? '' : JSON.stringify(names),
      accepts(row: unknown): boolean {
        const { optional } = payloadFields(row);
        // A handover may name none. A row without a value has null.
        const value = valueIn(row, field);
        if (of !== undefined && value !== undefined && value !== of.value) return false;
        if (!isHandover(row))
          return visible === undefined || isAmong(visible, [optional(named(source.visibleTo?.column))]);
        return optional('person') === watcher?.subject || isAmong(visible, [optional('from'), optional('to')]);
      },
    },
    snapshot: {
      async readAfter(transaction: Transaction, after: bigint) {
        // At the moment of the rows: if it changes later, that is a handover to come.
        visible = await readVisible(transaction);
        const rows = fromNow ? [] : await transaction.query<Row>(...partQuery(source, after, { of, visible }));
        return keyedRows(rows, {
          after,
          size: isCut(rows) ? rows.length : PART,
          keyOf: (row) => storedBigint(row[key]),
          toItem,
        });
      },
      // A handover is sent, whatever part the watch is at, as it changes rows of all parts.
      keyOf: (row: unknown) => (isHandover(row) ? 0n : payloadFields(row).whole(key)),
    },
    // Those who see all rows get no handover, but the rows that it has.
    rowsOf: (payload: unknown) => (visible !== undefined && isHandover(payload) ? [payload] : rowsIn(payload, key)),
  };
}

/** The rows that a change has, or the one that it is. Without its key it is none, as of a handover of rows of other tables. */
function rowsIn(payload: unknown, key: string): readonly unknown[] {
  const row = objectIn(payload);
  if ('rows' in row) return payloadFields(row).list('rows');
  return key in row ? [row] : [];
}

const isHandover = (payload: unknown): boolean => 'handover' in objectIn(payload);

function isAmong(visible: Visible, values: readonly (string | null)[]): boolean {
  return typeof visible === 'string' && values.includes(visible);
}

/** A watcher that sees all has other tokens, as a watch goes on without the rows that its watcher didn't see before. */
function identityOf(watcher: Watcher | undefined, seesAll: boolean): string {
  return watcher === undefined ? '' : JSON.stringify([watcher.issuer, watcher.subject, ...(seesAll ? ['all'] : [])]);
}

function partQuery<T>(
  { table, select, bytes, live, key, visibleTo }: FeedSource<T>,
  after: bigint,
  { of, visible }: Pick<ResourceWatch, 'of'> & { readonly visible: Visible },
): [sql: string, params: SqlValue[]] {
  const params: SqlValue[] = [after];
  const equals = (column: string, value: SqlValue) => `${table}.${column} = $${params.push(value)}::text`;
  const conditions = [
    ...(live === undefined ? [] : [live]),
    ...(of === undefined ? [] : [equals(of.column, of.value)]),
    ...(visible === undefined || visibleTo === undefined ? [] : [equals(visibleTo.column, visible)]),
    `${table}.${key} > $1`,
  ];
  const sql = `${select} WHERE ${conditions.join(' AND ')} ORDER BY ${table}.${key} LIMIT ${PART}`;
  return [bytes === undefined ? sql : fittingSql(sql, { bytes, order: key }), params];
}
