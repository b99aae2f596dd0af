import type { Queries } from '@rondo/database';
import { columnsOf } from '@rondo/resources/sql';
import type { Product, ProductStore } from '../domain/product.js';
import { products, saveStock } from '../products.js';

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

/** Reads the products of an order. */
export const FIND_PRODUCTS = `SELECT ${COLUMNS} FROM products WHERE id = ANY($1)`;

// Products are locked in the order of their ids, so that two transactions can't deadlock. The lock is FOR NO KEY
// UPDATE, as rows that refer to a product hold a key share lock on it: a FOR UPDATE lock would wait for those of other
// transactions, which in turn could wait for this one.
const LOCK = `SELECT ${COLUMNS} FROM products WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`;

/** Reads and locks the products of quotes and orders in PostgreSQL. @param onAppended is called after each change, before the commit. */
export function createProductStore(queries: Queries, onAppended: () => void): ProductStore {
  return {
    async findAll(ids) {
      const rows = await queries.query<ProductRow>(FIND_PRODUCTS, [ids], { name: 'find_products' });
      return rows.map(toProduct);
    },
    lockAll: async (ids) => (await queries.query<ProductRow>(LOCK, [ids])).map(toProduct),
    async saveStock(changed, cause) {
      await saveStock(queries, new Map(changed.map(({ id, stock }) => [products.nameOf(id), stock])), cause);
      onAppended();
    },
  };
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
