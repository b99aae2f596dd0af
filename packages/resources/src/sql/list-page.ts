import type { Queries } from '@rondo/database';
import type { ListQuery, Page } from '../domain/list.js';
import { MAX_SCANNED, narrowingFields, scanStatement, sortStatement } from './list-statements.js';
import type { Listing } from './listing.js';
import { cutBySize } from './message-size.js';

/** The columns that the statements of list-statements.ts return beside the row. */
interface Progress {
  readonly list_position: bigint;
  readonly found?: bigint;
  readonly scanned_to?: bigint | null;
}

/** A row of a page. If the statement found no row of the table, the columns of the row are null. */
type PageRow<Row> = (Row & Progress) | (Omit<Progress, 'list_position'> & { readonly list_position: null });

/**
 * Reads one page of a list. If an index finds few rows, it sorts them; otherwise it reads a bounded number of rows in
 * order. So if a filter excludes most rows, a page may have fewer items than requested, or none, although there is a
 * next page. It has fewer, too, if more wouldn't fit into one message.
 */
export async function listPage<Row extends object, T>(
  database: Queries,
  { listing, query, sizeOf }: ListRead<T>,
  toItem: (row: Row) => T,
): Promise<Page<T>> {
  const page = await readPage(database, { listing, query }, toItem);
  const [part = []] = cutBySize(page.rows, ({ item }) => sizeOf?.(item) ?? 0);
  const items = part.map(({ item }) => item);
  return { items, next: part.length < page.rows.length ? part.at(-1)?.position : page.next };
}

/** The list and the page to read. */
interface ListRead<T> {
  readonly listing: Listing;
  readonly query: ListQuery;
  /** The bytes of an encoded item, or an upper bound. It may be missing if a hundred items always fit into a message. */
  readonly sizeOf?: (item: T) => number;
}

/** A page with the position of each item. */
interface PositionedPage<T> {
  readonly rows: readonly { readonly item: T; readonly position: bigint }[];
  readonly next: bigint | undefined;
}

async function readPage<Row extends object, T>(
  database: Queries,
  { listing, query }: Pick<ListRead<T>, 'listing' | 'query'>,
  toItem: (row: Row) => T,
): Promise<PositionedPage<T>> {
  for (const field of narrowingFields(listing, query)) {
    const { sql, params } = sortStatement(listing, query, field);
    const rows = await database.query<PageRow<Row>>(sql, params);
    const found = rows[0]?.found ?? 0n;
    if (found <= BigInt(MAX_SCANNED)) return pageUpTo(rows.filter(isRow), query, { toItem, scannedTo: null });
  }
  const { sql, params } = scanStatement(listing, query);
  const rows = await database.query<PageRow<Row>>(sql, params);
  const scannedTo = rows[0]?.scanned_to ?? null;
  const within = rows.filter(isRow).filter(({ list_position }) => isWithin(listing, list_position, scannedTo));
  return pageUpTo(within, query, { toItem, scannedTo });
}

/** Whether the row is within the range that all branches of the statement have read. */
function isWithin({ order }: Listing, position: bigint, scannedTo: bigint | null): boolean {
  if (scannedTo === null) return true;
  return order === 'the oldest first' ? position <= scannedTo : position >= scannedTo;
}

function isRow<Row extends object>(row: PageRow<Row>): row is Row & Progress {
  return row.list_position !== null;
}

function pageUpTo<Row extends object, T>(
  rows: readonly (Row & Progress)[],
  { size }: ListQuery,
  { toItem, scannedTo }: { readonly toItem: (row: Row) => T; readonly scannedTo: bigint | null },
): PositionedPage<T> {
  const ofPage = rows.slice(0, size);
  const next = rows.length > size ? ofPage.at(-1)?.list_position : (scannedTo ?? undefined);
  return { rows: ofPage.map((row) => ({ item: toItem(row), position: row.list_position })), next };
}
