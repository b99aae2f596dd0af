import type { Queries } from '@rondo/database';
import type { Condition, ListQuery, Page, Place } from '../domain/list.js';
import {
  keyOf,
  MAX_SCANNED,
  narrowingFields,
  type PageStatement,
  scanStatement,
  sortStatement,
  sortWalkStatement,
  visibleStatement,
} from './list-statements.js';
import type { Listing } from './listing.js';
import { cutBySize, fittingSql, isCut } from './message-size.js';

/** The columns that the statements of list-statements.ts return besides the row. Its columns of a value are for sorted lists. */
interface Progress {
  readonly list_position: bigint;
  readonly list_key?: Value;
  readonly list_found?: bigint;
  readonly list_scanned_to?: bigint | null;
  readonly list_scanned_key?: Value | null;
  readonly list_is_hidden?: boolean | null;
  readonly list_has_null?: boolean;
}

type Value = Condition['value'];

/** A row of a page. If the statement found no row of the table, the columns of the row are null. */
type PageRow<Row> = (Row & Progress) | (Omit<Progress, 'list_position'> & { readonly list_position: null });

/**
 * Reads one page of a list. If an index finds few rows, it sorts them; otherwise it reads a bounded number of rows in order. If a
 * filter excludes most rows, a page may therefore have fewer items than requested, or none, although there is a next page. It also
 * has fewer if more wouldn't fit into one message.
 *
 * A list that is sorted by a value is read along the index on the value, which also has rows that the caller doesn't see, deleted
 * rows, and rows in another state. If these are too many, the list without them may be short enough to be sorted. If the caller sees
 * none of them, the page is sorted in any case, as a token that says how far they reach would tell of them.
 *
 * @throws Error if a row has no value by which the list is sorted: later pages would leave it out.
 */
export async function listPage<Row extends object, T>(
  database: Queries,
  { listing, query, sizeOf }: ListRead<T>,
  toItem: (row: Row) => T,
): Promise<Page<T>> {
  const page = await readPage<Row>(database, { listing, query });
  const [part = []] = cutBySize(itemsOf(page, toItem), ({ item }) => sizeOf?.(item) ?? 0);
  const items = part.map(({ item }) => item);
  return { items, next: part.length < page.rows.length ? part.at(-1)?.place : page.next };
}

/** The list and the page to read. */
interface ListRead<T> {
  readonly listing: Listing;
  readonly query: ListQuery;
  /** The bytes of an encoded item, or an upper bound. It may be missing if a hundred items always fit into a message. */
  readonly sizeOf?: (item: T) => number;
}

/** A page with the place of each row. */
interface PlacedPage<Row> {
  readonly rows: readonly { readonly row: Row; readonly place: Place }[];
  readonly next: Place | undefined;
}

/** Makes an item when it is read: of a page that doesn't fit into a message, only some are. */
function* itemsOf<Row, T>({ rows }: PlacedPage<Row>, toItem: (row: Row) => T) {
  for (const { row, place } of rows) yield { item: toItem(row), place };
}

type Read<T> = Pick<ListRead<T>, 'listing' | 'query'>;

async function readPage<Row extends object>(
  database: Queries,
  { listing, query }: Read<unknown>,
): Promise<PlacedPage<Row>> {
  const rowsOf = async ({ sql, order, params }: PageStatement): Promise<readonly PageRow<Row>[]> => {
    const { bytes } = listing;
    const fitting = bytes === undefined ? sql : fittingSql(sql, { bytes, order });
    return complete(await database.query<PageRow<Row>>(fitting, params), { listing, query });
  };
  const sorted = async (statement: PageStatement): Promise<PlacedPage<Row> | undefined> => {
    const rows = await rowsOf(statement);
    return (rows[0]?.list_found ?? 0n) <= BigInt(MAX_SCANNED) ? pageUpTo(rows, query) : undefined;
  };
  for (const field of narrowingFields(listing, query)) {
    const page = await sorted(sortStatement(listing, query, field));
    if (page !== undefined) return page;
  }
  const rows = await rowsOf(scanStatement(listing, query));
  const page = pageUpTo(rows, query);
  const isShort = !isCut(rows) && page.rows.length < query.size && page.next !== undefined;
  const walk = isShort && keyOf(listing, query) !== undefined ? sortWalkStatement(listing, query) : undefined;
  const short = walk && (await sorted(walk));
  if (short !== undefined) return short;
  return (rows[0]?.list_is_hidden && (await sorted(visibleStatement(listing, query)))) || page;
}

function complete<Row>(rows: readonly PageRow<Row>[], { listing, query }: Read<unknown>): readonly PageRow<Row>[] {
  if (rows[0]?.list_has_null !== true) return rows;
  const value = keyOf(listing, query);
  throw new Error(
    `${listing.table} can't be sorted by ${query.order?.field}: ${value} is null in a row. Make it NOT NULL by a migration, ` +
      `or give a value that is never null, such as coalesce(${value}, …), with an index on it and the position`,
  );
}

function isRow<Row extends object>(row: PageRow<Row>): row is Row & Progress {
  return row.list_position !== null;
}

function pageUpTo<Row extends object>(rows: readonly PageRow<Row>[], { size }: ListQuery): PlacedPage<Row> {
  const found = rows.filter(isRow);
  const ofPage = found.slice(0, size).map((row) => ({ row, place: placeAt(row.list_position, row.list_key) }));
  const { list_scanned_to, list_scanned_key } = rows[0] ?? {};
  const scannedTo = list_scanned_to == null ? undefined : placeAt(list_scanned_to, list_scanned_key ?? undefined);
  return { rows: ofPage, next: found.length > size || isCut(rows) ? ofPage.at(-1)?.place : scannedTo };
}

function placeAt(position: bigint, value: Value | undefined): Place {
  return value === undefined ? { position } : { position, value };
}
