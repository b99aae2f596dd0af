import { type Queries, UniqueViolation } from '@rondo/database';
import { SkuTaken } from '../domain/errors.js';
import type { ProductStore } from '../domain/ports.js';
import type { Product } from '../domain/product.js';
import { descending, pageOf } from './page.js';

interface ProductRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly title: string;
  readonly sku: string;
  readonly currency: string;
  readonly unit_price_minor: string;
  readonly stock: bigint;
  readonly delivery_effort_minutes: bigint;
  readonly create_time: Date;
}

const INSERT = `
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  RETURNING *`;

// In the order of their ids, so that two transactions never wait for each other in a circle. NO KEY, as rows that refer
// to a product hold a key share of it: a full lock would wait for those of others, and they for ours.
const LOCK = 'SELECT * FROM products WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE';

const SAVE_STOCK = `
  UPDATE products SET stock = saved.stock
  FROM unnest($1::text[], $2::bigint[]) AS saved (id, stock)
  WHERE products.id = saved.id`;

/** Products in PostgreSQL. */
export function createProductStore(queries: Queries): ProductStore {
  return {
    async add({ id, title, sku, unitPrice, stock, deliveryEffortMinutes }) {
      const { currency, minorUnits } = unitPrice;
      const params = [id, title, sku, currency, minorUnits, stock, deliveryEffortMinutes];
      try {
        return toProduct(await queries.one<ProductRow>(INSERT, params));
      } catch (error) {
        throw error instanceof UniqueViolation && error.constraint === 'products_sku_key' ? new SkuTaken(sku) : error;
      }
    },
    async find(id) {
      const row = await queries.maybeOne<ProductRow>('SELECT * FROM products WHERE id = $1', [id]);
      return row && toProduct(row);
    },
    async findAll(ids) {
      const rows = await queries.query<ProductRow>('SELECT * FROM products WHERE id = ANY($1)', [ids]);
      return rows.map(toProduct);
    },
    async list(query) {
      const sql = 'SELECT * FROM products WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2';
      const { items, next } = pageOf(await queries.query<ProductRow>(sql, descending(query)), query);
      return { items: items.map(toProduct), next };
    },
    async lockAll(ids) {
      return (await queries.query<ProductRow>(LOCK, [ids])).map(toProduct);
    },
    async saveStock(products) {
      await queries.query(SAVE_STOCK, [products.map(({ id }) => id), products.map(({ stock }) => stock)]);
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
    createTime: row.create_time,
  };
}
