import {
  type AdjustStockRequest,
  type ListStockChangesRequest,
  type StockChange,
  StockChangeReason,
} from '@rondo/contracts/sales/v1/products';
import type { Queries } from '@rondo/database';
import { type List, nextPageToken, readList } from '@rondo/resources';
import { type Listing, listPage } from '@rondo/resources/sql';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { validate } from '@rondo/rpc/status';
import type { SalesMethods } from './context.js';
import { SALESPERSON } from './customers.js';
import { stockAfter } from './domain/stock.js';
import { errors } from './errors.js';
import { products } from './products.js';
import { causeParam, type StockCause, tellCauseSql } from './stock-cause.js';

/** `AdjustStock` and `ListStockChanges`. */
export const stockMethods = ({ database }: SalesMethods) => ({
  adjustStock: ({ name, delta, reference }: AdjustStockRequest) =>
    errors.withRpcErrors(
      database.transaction(async (tx) => {
        const product = await products.lock(tx, name);
        products.requireLive(product);
        const stock = stockAfter(product, delta);
        await saveStock(tx, new Map([[name, stock]]), { reason: 'ADJUSTED', reference });
        return { ...product, stock };
      }),
    ),
  /** Everyone sees the changes, and the orders in sight. */
  async listStockChanges(request: ListStockChangesRequest, { values }: ServerCall) {
    const { parent } = request;
    const list: List = { ...STOCK_CHANGES, collection: `${parent}/stockChanges` };
    const query = validate((field) => readList(field, list, request));
    const principal = values.get(callPrincipal);
    const visible = principal && (await SALESPERSON.of(principal, database));
    const listing = listingOf(products.idsIn(parent), visible);
    const read = async () => {
      await products.get(database, parent);
      return listPage<StockChangeRow, StockChange>(database.reads, { listing, query }, toStockChange);
    };
    const { items, next } = await errors.withRpcErrors(read());
    return { stockChanges: [...items], nextPageToken: nextPageToken(list, request, next) };
  },
});

const SAVE_STOCK = `
  UPDATE products SET stock = saved.stock
  FROM unnest($1::text[], $2::bigint[]) AS saved (id, stock), (SELECT ${tellCauseSql(3)} AS cause) AS named
  WHERE products.id = saved.id AND cause <> ''`;

/** Stores the stock of locked products. Each change is listed with its cause. */
export async function saveStock(tx: Queries, stocks: ReadonlyMap<string, bigint>, cause: StockCause): Promise<void> {
  const ids = [...stocks.keys()].flatMap((name) => products.idsIn(name));
  await tx.query(SAVE_STOCK, [ids, [...stocks.values()], causeParam(cause)]);
}

/** How many of a product are in stock. */
interface Stock {
  readonly name: string;
  readonly stock: bigint;
  readonly isDeleted: boolean;
}

const STOCKS = 'SELECT id, stock, delete_time IS NOT NULL AS is_deleted FROM products WHERE id = ANY($1)';

/**
 * Reads the stocks of products. Locked ones are locked in the order of their ids, so that two transactions can't deadlock. The lock
 * is FOR NO KEY UPDATE, as rows that refer to a product hold a key share lock on it: a FOR UPDATE lock would wait for those of other
 * transactions, which in turn could wait for this one.
 */
export async function readStocks(queries: Queries, names: Iterable<string>, lock?: 'lock'): Promise<readonly Stock[]> {
  const ids = [...new Set(names)].flatMap((name) => products.idsIn(name));
  const sql = lock === undefined ? STOCKS : `${STOCKS} ORDER BY id FOR NO KEY UPDATE`;
  const rows = await queries.query<{ id: string; stock: bigint; is_deleted: boolean }>(sql, [ids]);
  return rows.map(({ id, stock, is_deleted: isDeleted }) => ({ name: products.nameOf(id), stock, isDeleted }));
}

/** The reasons, as a filter names them. */
const REASONS = new Map([
  ['UNSPECIFIED', StockChangeReason.STOCK_CHANGE_REASON_UNSPECIFIED],
  ['OPENING', StockChangeReason.STOCK_CHANGE_REASON_OPENING],
  ['CREATED', StockChangeReason.STOCK_CHANGE_REASON_CREATED],
  ['ADJUSTED', StockChangeReason.STOCK_CHANGE_REASON_ADJUSTED],
  ['ORDERED', StockChangeReason.STOCK_CHANGE_REASON_ORDERED],
  ['ORDER_CANCELLED', StockChangeReason.STOCK_CHANGE_REASON_ORDER_CANCELLED],
]);

/** The fields by which the changes of a product's stock can be filtered and sorted. */
const STOCK_CHANGES = {
  fields: {
    reason: { kind: 'enum', values: [...REASONS.keys()], prefix: 'STOCK_CHANGE_REASON_' },
    reference: { kind: 'text' },
    create_time: { kind: 'timestamp' },
  },
  sortable: ['create_time'],
  order: { field: 'create_time', descending: true },
} as const satisfies Omit<List, 'collection'>;

/** That the caller sees the order of a change. What isn't seen doesn't exist, so its name isn't shown. */
const IS_VISIBLE = `(reason NOT IN ('ORDERED', 'ORDER_CANCELLED')
  OR EXISTS (SELECT FROM orders WHERE orders.id = substr(reference, length('orders/') + 1) AND salesperson = $4::text))`;

const shown = (column: string, visible: string) => `CASE WHEN ${visible} THEN ${column} ELSE '' END`;

/** The changes of a product are listed along their times, which are in the order of the changes. */
function listingOf(productIds: readonly string[], visible: string | null | undefined): Listing {
  const seen = visible === undefined ? 'TRUE' : IS_VISIBLE;
  return {
    table: 'stock_changes',
    order: 'the newest first',
    selected: ['product_id', 'sequence', 'delta', 'stock', 'reason', 'reference', 'subject', 'create_time'],
    columns: { reason: 'reason', reference: shown('reference', seen), create_time: 'create_time' },
    unindexed: ['reason', 'reference', 'create_time'],
    sorted: { create_time: 'create_time' },
    scope: { sql: 'product_id = $3', params: [...productIds, ...(visible === undefined ? [] : [visible])] },
    derived: {
      columns: ['reference', 'subject'].map((column) => `${shown(column, seen)} AS shown_${column}`).join(', '),
    },
  };
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

const toStockChange = ({ product_id, sequence, delta, stock, ...row }: StockChangeRow): StockChange => ({
  name: `${products.nameOf(product_id)}/stockChanges/${sequence}`,
  delta,
  stock,
  // A later version may have other reasons.
  reason: REASONS.get(row.reason) ?? StockChangeReason.STOCK_CHANGE_REASON_UNSPECIFIED,
  reference: row.shown_reference,
  subject: row.shown_subject,
  createTime: row.create_time,
});
