import type { Queries, SqlValue } from '@rondo/database';
import { pageOf } from '@rondo/resources/sql';
import { appendChanges } from '@rondo/sync';
import type { Order } from '../domain/order.js';
import type { OrderStore } from '../domain/ports.js';
import { type Listing, listSql } from './sql.js';
import { ORDERS_TOPIC, timedOrderJson } from './order-feed.js';
import { lineParams, ORDER_COLUMNS, orderParams, ORDERS, type OrderRow, toOrder } from './order-rows.js';
import { placeOrder } from './order-placement.js';

const INSERT_ORDER = `
  INSERT INTO orders (${ORDER_COLUMNS})
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`;

const INSERT_LINES = `
  INSERT INTO order_lines (order_id, position, product_id, quantity, discount_percent, title, unit_price_minor)
  SELECT $1, line.position, product_id, quantity, discount, title, unit_price_minor
  FROM unnest($2::text[], $3::bigint[], $4::numeric[], $5::text[], $6::numeric[]) WITH ORDINALITY
    AS line (product_id, quantity, discount, title, unit_price_minor, position)`;

const CHANGED = 'version = version + 1, update_time = greatest(clock_timestamp(), update_time)';

const RECORD_PROJECT = `
  UPDATE orders SET project = $2, ${CHANGED} WHERE quote_id = $1 AND project IS NULL RETURNING id`;

const CANCEL = `UPDATE orders SET state = 'cancelled', ${CHANGED} WHERE id = $1 AND state = 'placed' RETURNING id`;

const PLACED_BY = `${ORDERS} WHERE orders.id = (SELECT outcome FROM requests WHERE method = $1 AND request_id = $2)`;

const LISTING: Listing = {
  select: ORDERS,
  table: 'orders',
  columns: {
    customer: 'orders.customer_id',
    quote: 'orders.quote_id',
    state: 'upper(orders.state)',
    order_date: 'orders.order_date',
    create_time: 'orders.create_time',
  },
  deletable: false,
};

/** Orders in PostgreSQL; `onAppended` hears of each change that was appended for watchers, before it is committed. */
export function createOrderStore(queries: Queries, onAppended: () => void): OrderStore {
  const told = async (order: Order): Promise<Order> => {
    await appendChanges(queries, [{ topic: ORDERS_TOPIC, payload: timedOrderJson(order) }]);
    onAppended();
    return order;
  };
  const find = async (sql: string, params: readonly SqlValue[]): Promise<Order | undefined> => {
    const row = await queries.maybeOne<OrderRow>(sql, params);
    return row && toOrder(row);
  };
  const byId = (id: string) => find(`${ORDERS} WHERE orders.id = $1`, [id]);
  const present = (order: Order | undefined): Order => {
    if (order === undefined) throw new Error('an order has vanished');
    return order;
  };

  return {
    find: byId,
    async lock(id) {
      // Read in a statement of its own, which sees what the one that held the lock has done.
      await queries.query('SELECT FROM orders WHERE id = $1 FOR NO KEY UPDATE', [id]);
      return byId(id);
    },
    async list(query) {
      return pageOf(await queries.query<OrderRow>(...listSql(LISTING, query)), query, toOrder);
    },
    async add(order) {
      await queries.query(INSERT_ORDER, orderParams(order));
      await queries.query(INSERT_LINES, [order.id, ...lineParams(order.lines)]);
      return told(present(await byId(order.id)));
    },
    async place(order, versions, call) {
      const placement = await placeOrder(queries, { order, versions, call });
      if (placement.kind === 'placed') onAppended();
      return placement;
    },
    async firstAnswer({ method, id }) {
      const order = present(await find(PLACED_BY, [method, id]));
      return { ...order, project: undefined, state: 'placed', version: 1n, updateTime: order.createTime };
    },
    async recordProject(quoteId, project) {
      const [recorded] = await queries.query<{ id: string }>(RECORD_PROJECT, [quoteId, project]);
      if (recorded !== undefined) await told(present(await byId(recorded.id)));
    },
    async cancel(id) {
      const { length: cancelled } = await queries.query(CANCEL, [id]);
      const order = present(await byId(id));
      return cancelled === 0 ? order : told(order);
    },
  };
}
