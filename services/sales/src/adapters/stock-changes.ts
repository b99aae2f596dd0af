import type { Queries } from '@rondo/database';
import type { Page } from '@rondo/resources/domain';
import { type Listing, listPage } from '@rondo/resources/sql';
import { callPrincipal, currentScope } from '@rondo/rpc/call';
import { STOCK_REASONS, type StockCause, type StockChange, type StockChangeQuery } from '../domain/product.js';

/** As long as the subjects of audit events. */
const MAX_SUBJECT = 255;

/**
 * SQL that tells the triggers of `products` why the stock changes, for the statement that changes it. The triggers
 * append the change.
 *
 * @param param the number of the parameter of {@link causeParam}.
 */
export function tellCauseSql(param: number): string {
  return `set_config('rondo.stock_change', $${param}::text, true)`;
}

/** The parameter of {@link tellCauseSql}, with the subject of the present call. Neither text has characters that JSON has, and jsonb not. */
export function causeParam({ reason, reference }: StockCause): string {
  const { subject = '' } = currentScope()?.values?.get(callPrincipal) ?? {};
  const shortened = Buffer.from(subject.slice(0, MAX_SUBJECT).replaceAll('\0', '')).toString();
  return JSON.stringify({ reason, reference, subject: shortened });
}

interface StockChangeRow {
  readonly product_id: string;
  readonly sequence: bigint;
  readonly delta: bigint;
  readonly stock: bigint;
  readonly reason: string;
  readonly shown_reference: string;
  readonly shown_subject: string;
  readonly create_time: Date;
}

const SELECTED = ['product_id', 'sequence', 'delta', 'stock', 'reason', 'reference', 'subject', 'create_time'];

/** Whether the caller sees the order of a change. The name of an order that the caller doesn't see isn't shown. */
const IN_SIGHT = `(reason NOT IN ('ORDERED', 'ORDER_CANCELLED')
  OR EXISTS (SELECT FROM orders WHERE orders.id = substr(reference, length('orders/') + 1) AND salesperson = $4::text))`;

const shown = (column: string, sight: string) => `CASE WHEN ${sight} THEN ${column} ELSE '' END`;

/** The changes of a product are listed along their times, which are in the order of the changes. */
function listingOf(productId: string, sight: string | null | undefined): Listing {
  const seen = sight === undefined ? 'TRUE' : IN_SIGHT;
  return {
    table: 'stock_changes',
    order: 'the newest first',
    selected: SELECTED,
    columns: { reason: 'reason', reference: shown('reference', seen), create_time: 'create_time' },
    unindexed: ['reason', 'reference', 'create_time'],
    sorted: { create_time: 'create_time' },
    scope: {
      sql: 'product_id = $3',
      params: [productId, ...(sight === undefined ? [] : [sight])],
    },
    beside: {
      columns: ['reference', 'subject'].map((column) => `${shown(column, seen)} AS shown_${column}`).join(', '),
    },
  };
}

/** One page of the changes of a product's stock. */
export function listStockChanges(
  queries: Queries,
  productId: string,
  { sight, ...query }: StockChangeQuery,
): Promise<Page<StockChange>> {
  const listing = listingOf(productId, sight);
  return listPage<StockChangeRow, StockChange>(
    queries,
    { listing, query: { ...query, showDeleted: false } },
    toStockChange,
  );
}

function toStockChange(row: StockChangeRow): StockChange {
  return {
    id: `${row.sequence}`,
    productId: row.product_id,
    delta: row.delta,
    stock: row.stock,
    // A later version may have other reasons.
    reason: STOCK_REASONS.find((reason) => reason === row.reason) ?? 'UNSPECIFIED',
    reference: row.shown_reference,
    subject: row.shown_subject,
    createTime: row.create_time,
  };
}
