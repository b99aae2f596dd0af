import { type Queries, type SqlValue, UniqueViolation } from '@rondo/database';
import { columnsOf, type FeedSource, type Listing, listPage } from '@rondo/resources/sql';
import { SkuTaken } from '../domain/errors.js';
import type { Product, ProductFields, ProductStore } from '../domain/product.js';
import { CHANGED, DELETED, DELETION } from './sql.js';
import { causeParam, listStockChanges, tellCauseSql } from './stock-changes.js';

interface ProductRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly title: string;
  readonly sku: string;
  readonly currency: string;
  readonly unit_price_minor: string;
  readonly stock: bigint;
  readonly delivery_effort_minutes: bigint;
  readonly version: bigint;
  readonly create_time: Date;
  readonly update_time: Date;
  readonly delete_time: Date | null;
}

const SELECTED = [
  ...['sequence', 'id', 'title', 'sku', 'currency', 'unit_price_minor', 'stock', 'delivery_effort_minutes'],
  ...['version', 'create_time', 'update_time', 'delete_time'],
];

const COLUMNS = columnsOf('products', SELECTED);

const LISTING: Listing = {
  table: 'products',
  order: 'the newest first',
  selected: SELECTED,
  columns: { title: 'title', sku: 'sku', stock: 'stock', create_time: 'create_time' },
  // With an index on the stock, each order would change every index of its products.
  unindexed: ['stock'],
  sorted: { create_time: 'create_time', title: 'title', sku: 'sku' },
  deletion: DELETION,
};

const INSERT = `
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
  SELECT $1, $2, $3, $4, $5::numeric, $6::bigint, $7::bigint FROM (SELECT ${tellCauseSql(8)} AS cause) AS told WHERE cause <> ''
  RETURNING ${COLUMNS}`;

const UPDATE = `
  UPDATE products SET
    title = coalesce($2, title),
    sku = coalesce($3, sku),
    currency = coalesce($4, currency),
    unit_price_minor = coalesce($5, unit_price_minor),
    delivery_effort_minutes = coalesce($6, delivery_effort_minutes),
    ${CHANGED}
  WHERE id = $1
  RETURNING ${COLUMNS}`;

const DELETE = `UPDATE products SET ${DELETED} WHERE id = $1 RETURNING ${COLUMNS}`;

const UNDELETE = `UPDATE products SET delete_time = NULL, ${CHANGED} WHERE id = $1 RETURNING ${COLUMNS}`;

/** Reads the products of an order. */
export const FIND_PRODUCTS = `SELECT ${COLUMNS} FROM products WHERE id = ANY($1)`;

// Products are locked in the order of their ids, so that two transactions can't deadlock. The lock is FOR NO KEY
// UPDATE, as rows that refer to a product hold a key share lock on it: a FOR UPDATE lock would wait for those of other
// transactions, which in turn could wait for this one.
const LOCK = `SELECT ${COLUMNS} FROM products WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`;

const SAVE_STOCK = `
  UPDATE products SET stock = saved.stock
  FROM unnest($1::text[], $2::bigint[]) AS saved (id, stock), (SELECT ${tellCauseSql(3)} AS cause) AS told
  WHERE products.id = saved.id AND cause <> ''`;

/**
 * Stores products in PostgreSQL. The database appends each change for watchers.
 *
 * @param onAppended is called after each change, before the commit.
 */
export function createProductStore(queries: Queries, onAppended: () => void): ProductStore {
  const write = async (sql: string, params: readonly SqlValue[], sku?: string): Promise<Product> => {
    try {
      const product = toProduct(await queries.one<ProductRow>(sql, params));
      onAppended();
      return product;
    } catch (error) {
      throw error instanceof UniqueViolation && error.constraint === 'products_sku_key' ? new SkuTaken(sku) : error;
    }
  };
  const lockAll = async (ids: readonly string[]) => (await queries.query<ProductRow>(LOCK, [ids])).map(toProduct);

  return {
    async find(id) {
      const row = await queries.maybeOne<ProductRow>(`SELECT ${COLUMNS} FROM products WHERE id = $1`, [id]);
      return row && toProduct(row);
    },
    async findAll(ids) {
      const rows = await queries.query<ProductRow>(FIND_PRODUCTS, [ids], { name: 'find_products' });
      return rows.map(toProduct);
    },
    list: (query) => listPage<ProductRow, Product>(queries, { listing: LISTING, query }, toProduct),
    lock: async (id) => (await lockAll([id]))[0],
    lockAll,
    async add({ id, title, sku, unitPrice: { currency, minorUnits }, stock, deliveryEffortMinutes }) {
      const cause = causeParam({ reason: 'CREATED', reference: '' });
      return write(INSERT, [id, title, sku, currency, minorUnits, stock, deliveryEffortMinutes, cause], sku);
    },
    update: (id, fields) => write(UPDATE, [id, ...updateParams(fields)], fields.sku),
    delete: (id) => write(DELETE, [id]),
    undelete: (id) => write(UNDELETE, [id]),
    stockChanges: (productId, query) => listStockChanges(queries, productId, query),
    async saveStock(products, cause) {
      const [ids, stocks] = [products.map(({ id }) => id), products.map(({ stock }) => stock)];
      await queries.query(SAVE_STOCK, [ids, stocks, causeParam(cause)]);
      onAppended();
    },
  };
}

function updateParams({ title, sku, unitPrice, deliveryEffortMinutes }: Partial<ProductFields>): readonly SqlValue[] {
  const price = [unitPrice?.currency ?? null, unitPrice?.minorUnits ?? null];
  return [title ?? null, sku ?? null, ...price, deliveryEffortMinutes ?? null];
}

function toProduct(row: ProductRow): Product {
  return {
    id: row.id,
    title: row.title,
    sku: row.sku,
    unitPrice: { currency: row.currency, minorUnits: BigInt(row.unit_price_minor) },
    stock: row.stock,
    deliveryEffortMinutes: row.delivery_effort_minutes,
    version: row.version,
    createTime: row.create_time,
    updateTime: row.update_time,
    deleteTime: row.delete_time ?? undefined,
  };
}

/** How products are watched. */
export const PRODUCT_FEED: FeedSource<ProductRow, Product> = {
  table: 'products',
  select: `SELECT ${COLUMNS} FROM products`,
  live: DELETION.live,
  key: 'sequence',
  keyOf: ({ sequence }) => sequence,
  toItem: toProduct,
  parse: ({ text, whole, time, optionalTime }) => ({
    id: text('id'),
    title: text('title'),
    sku: text('sku'),
    unitPrice: { currency: text('currency'), minorUnits: whole('unit_price_minor') },
    stock: whole('stock'),
    deliveryEffortMinutes: whole('delivery_effort_minutes'),
    version: whole('version'),
    createTime: time('create_time'),
    updateTime: time('update_time'),
    deleteTime: optionalTime('delete_time') ?? undefined,
  }),
};
