import type { Queries } from '@rondo/database';
import type { ListQuery, Page } from '../domain/page.js';
import { fewStatement, type Listing, MAX_WALKED, narrowingFields, walkStatement } from './list-statements.js';

/** What a statement tells beside rows. */
interface Told {
  readonly found?: bigint;
  readonly walked_to?: bigint | null;
}

/** A row of a page; all that it has is null where the statement found none. */
type PageRow<Row> = (Row | { readonly sequence: null }) & Told;

/**
 * One page of a list, by few rows that an index finds, or by a walk that ends after a while: a page of a filter that
 * leaves out most may have fewer items than were asked for, or none, and a next page all the same.
 */
export async function readList<Row extends { readonly sequence: bigint }, T>(
  database: Queries,
  { listing, query }: { readonly listing: Listing; readonly query: ListQuery },
  toItem: (row: Row) => T,
): Promise<Page<T>> {
  for (const field of narrowingFields(listing, query)) {
    const { sql, params } = fewStatement(listing, query, field);
    const rows = await database.query<PageRow<Row>>(sql, params);
    const found = rows[0]?.found ?? 0n;
    if (found <= BigInt(MAX_WALKED)) return pageUpTo(rows.filter(isRow), query, { toItem, walkedTo: null });
  }
  const { sql, params } = walkStatement(listing, query);
  const rows = await database.query<PageRow<Row>>(sql, params);
  const walkedTo = rows[0]?.walked_to ?? null;
  const within = rows.filter(isRow).filter(({ sequence }) => isWithin(listing, sequence, walkedTo));
  return pageUpTo(within, query, { toItem, walkedTo });
}

/** Beyond where one branch of a walk has ended, the others say nothing of what comes next. */
function isWithin({ order }: Listing, sequence: bigint, walkedTo: bigint | null): boolean {
  if (walkedTo === null) return true;
  return order === 'the oldest first' ? sequence <= walkedTo : sequence >= walkedTo;
}

function isRow<Row extends { readonly sequence: bigint }>(row: PageRow<Row>): row is Row & Told {
  return row.sequence !== null;
}

function pageUpTo<Row extends { readonly sequence: bigint }, T>(
  rows: readonly Row[],
  { size }: ListQuery,
  { toItem, walkedTo }: { readonly toItem: (row: Row) => T; readonly walkedTo: bigint | null },
): Page<T> {
  const items = rows.slice(0, size);
  const next = rows.length > size ? items.at(-1)?.sequence : (walkedTo ?? undefined);
  return { items: items.map(toItem), next };
}
