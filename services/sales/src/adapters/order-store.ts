import type { Queries } from '@rondo/database';
import { listPage } from '@rondo/resources/sql';
import { appendSql } from '@rondo/sync';
import type { Order, OrderStore } from '../domain/order.js';
import { bytesOf, lineParams } from './lines.js';
import { ORDERS_TOPIC, orderJson, payloadSql } from './order-feed.js';
import { placeOrder } from './order-placement.js';
import { LISTING, ORDER_COLUMNS, ORDERS, type OrderRow, orderParams, toOrder } from './order-rows.js';
import { CHANGED } from './sql.js';

const INSERT_ORDER = `
  INSERT INTO orders (${ORDER_COLUMNS})
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

const INSERT_LINES = `
  INSERT INTO order_lines (order_id, position, product_id, quantity, discount_percent, title, unit_price_minor)
  SELECT $1, line.position, product_id, quantity, discount, title, unit_price_minor
  FROM unnest($2::text[], $3::bigint[], $4::numeric[], $5::text[], $6::numeric[]) WITH ORDINALITY
    AS line (product_id, quantity, discount, title, unit_price_minor, position)`;

const RECORD_PROJECT = `
  UPDATE orders SET project = $2, ${CHANGED} WHERE quote_id = $1 AND project IS NULL RETURNING id`;

const CANCEL = `UPDATE orders SET state = 'cancelled', ${CHANGED} WHERE id = $1 AND state = 'placed' RETURNING id`;

const APPEND = appendSql({ topic: `'${ORDERS_TOPIC}'`, payload: payloadSql('$2'), from: 'orders WHERE id = $1' });

/**
 * Stores orders in PostgreSQL.
 *
 * @param onAppended is called for each change that is appended for watchers, before the commit.
 */
export function createOrderStore(queries: Queries, onAppended: () => void): OrderStore {
  const append = async (order: Order): Promise<Order> => {
    await queries.query(APPEND, [order.id, orderJson(order)]);
    onAppended();
    return order;
  };
  const byId = async (id: string): Promise<Order | undefined> => {
    const row = await queries.maybeOne<OrderRow>(`${ORDERS} WHERE orders.id = $1`, [id]);
    return row && toOrder(row);
  };
  const present = (order: Order | undefined): Order => {
    if (order === undefined) throw new Error("a stored order doesn't exist");
    return order;
  };

  return {
    find: byId,
    async lock(id) {
      // The order is read in a second statement, which sees the changes of the transaction that held the lock before.
      await queries.query('SELECT FROM orders WHERE id = $1 FOR NO KEY UPDATE', [id]);
      return byId(id);
    },
    list: (query) => listPage<OrderRow, Order>(queries, { listing: LISTING, query, sizeOf: bytesOf }, toOrder),
    async add(order) {
      await queries.query(INSERT_ORDER, orderParams(order));
      await queries.query(INSERT_LINES, [order.id, ...lineParams(order.lines)]);
      return append(present(await byId(order.id)));
    },
    async place(order, placing) {
      const placement = await placeOrder(queries, order, placing);
      if (placement.kind === 'placed') onAppended();
      return placement;
    },
    async recordProject(quoteId, project) {
      const [recorded] = await queries.query<{ id: string }>(RECORD_PROJECT, [quoteId, project]);
      if (recorded !== undefined) await append(present(await byId(recorded.id)));
    },
    async cancel(id) {
      const { length: cancelled } = await queries.query(CANCEL, [id]);
      const order = present(await byId(id));
      return cancelled === 0 ? order : append(order);
    },
  };
}
