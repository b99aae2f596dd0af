import type { Queries } from '@rondo/database';
import type { Order } from '../domain/order.js';
import type { OrderStore } from '../domain/ports.js';
import { descending, pageOf } from './page.js';

interface OrderRow {
  readonly sequence: bigint;
  readonly id: string;
  readonly quote_id: string;
  readonly customer_id: string;
  readonly currency: string;
  readonly total_minor: string;
  readonly project: string | null;
  readonly create_time: Date;
}

interface LineRow {
  readonly order_id: string;
  readonly product_id: string;
  readonly quantity: bigint;
}

const INSERT_ORDER = `
  INSERT INTO orders (id, quote_id, customer_id, currency, total_minor)
  VALUES ($1, $2, $3, $4, $5)
  RETURNING *`;

const INSERT_LINES = `
  INSERT INTO order_lines (order_id, position, product_id, quantity)
  SELECT $1, line.position, product_id, quantity
  FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS line (product_id, quantity, position)`;

const LINES = 'SELECT * FROM order_lines WHERE order_id = ANY($1) ORDER BY order_id, position';

// Of two that finish one acceptance, the second finds what the first has recorded.
const RECORD_PROJECT = 'UPDATE orders SET project = coalesce(project, $2) WHERE id = $1 RETURNING *';

/** Orders in PostgreSQL. */
export function createOrderStore(queries: Queries): OrderStore {
  const withLines = async (rows: readonly OrderRow[]): Promise<readonly Order[]> => {
    const lines = await queries.query<LineRow>(LINES, [rows.map(({ id }) => id)]);
    return rows.map((row) =>
      toOrder(
        row,
        lines.filter(({ order_id }) => order_id === row.id),
      ),
    );
  };

  return {
    async add({ id, quoteId, customerId, lines, total }) {
      const params = [id, quoteId, customerId, total.currency, total.minorUnits];
      const { create_time } = await queries.one<OrderRow>(INSERT_ORDER, params);
      await queries.query(INSERT_LINES, [id, lines.map((line) => line.productId), lines.map((line) => line.quantity)]);
      return { id, quoteId, customerId, lines, total, project: undefined, createTime: create_time };
    },
    async find(id) {
      const rows = await queries.query<OrderRow>('SELECT * FROM orders WHERE id = $1', [id]);
      return rows.length === 0 ? undefined : (await withLines(rows))[0];
    },
    async list(query) {
      const sql = 'SELECT * FROM orders WHERE sequence < $1 ORDER BY sequence DESC LIMIT $2';
      const { items, next } = pageOf(await queries.query<OrderRow>(sql, descending(query)), query);
      return { items: await withLines(items), next };
    },
    async recordProject(id, project) {
      const [order] = await withLines([await queries.one<OrderRow>(RECORD_PROJECT, [id, project])]);
      if (order === undefined) throw new Error(`the order ${id} has vanished`);
      return order;
    },
  };
}

function toOrder(row: OrderRow, lines: readonly LineRow[]): Order {
  return {
    id: row.id,
    quoteId: row.quote_id,
    customerId: row.customer_id,
    lines: lines.map(({ product_id, quantity }) => ({ productId: product_id, quantity })),
    total: { currency: row.currency, minorUnits: BigInt(row.total_minor) },
    project: row.project ?? undefined,
    createTime: row.create_time,
  };
}
