import { auditParams, auditSql } from '@rondo/access';
import { outcomeParams, outcomeSql, type Queries, UniqueViolation } from '@rondo/database';
import { currentWorkLimits } from '@rondo/rpc/call';
import { appendSql } from '@rondo/sync';
import type { Shortage } from '../domain/errors.js';
import { nameOf } from '../domain/names.js';
import type { Order, OrderDraft, Placement, Placing } from '../domain/order.js';
import { totalNeeds } from '../domain/product.js';
import { causeParam, tellCauseSql } from '../products.js';
import { lineParams } from './lines.js';
import { ORDERS_TOPIC, orderJson, payloadSql } from './order-feed.js';
import { ORDER_COLUMNS, orderParams } from './order-rows.js';

/** What watchers are told: the database alone knows the sequence and the salesperson. */
const PLACED = `${payloadSql('$19')} || jsonb_build_object('salesperson', salesperson)`;

/**
 * Places an order in one statement, so that the products are locked only while the database executes it.
 *
 * Products are locked in the order of their ids, so that two orders can't deadlock. The lock is FOR NO KEY UPDATE, as
 * orders that refer to a product only hold a key share lock. The stock is checked under the locks. If the order can't
 * be placed, `ready` has no row, and no part of the statement writes anything. The outcome of the call is inserted last: if
 * its idempotency key exists, the whole statement fails and takes no stock.
 *
 * If a product is visibly sold out, the statement takes no lock. So a refusal waits neither for the lock of a product
 * nor for the disk, to which a lock is written.
 *
 * The order gets its customer's salesperson. The customer's lock keeps a handover waiting, so that it changes this order too. It is
 * the first lock: an order that waits for a handover keeps no other customer's order waiting.
 *
 * `$1` to `$3` are the products, their quantities and the versions at which they were priced; `$4` to `$12` the order;
 * `$13` to `$17` its lines; `$18` the time, `$19` the payload for watchers, and `$20` the cause of the changed stocks; `$21` to `$26`
 * the outcome of the call; `$27` to `$34` its event, if it is audited.
 */
const placeOrderSql = (audited: boolean) => `
  WITH short AS (
    SELECT products.id, stock, quantity
    FROM products JOIN unnest($1::text[], $2::bigint[]) AS wanted (id, quantity) USING (id)
    WHERE stock < quantity
  ), customer AS (
    SELECT salesperson FROM customers WHERE id = $6::text AND delete_time IS NULL AND NOT EXISTS (SELECT FROM short)
    FOR SHARE
  ), locked AS (
    SELECT
      products.id, products.stock, wanted.quantity,
      products.version = wanted.version AND products.delete_time IS NULL AS as_priced
    FROM products JOIN unnest($1::text[], $2::bigint[], $3::bigint[]) AS wanted (id, quantity, version) USING (id)
    WHERE EXISTS (SELECT FROM customer)
    ORDER BY products.id
    FOR NO KEY UPDATE OF products
  ), ready AS (
    SELECT (SELECT salesperson FROM customer) AS salesperson, ${tellCauseSql(20)} AS cause FROM locked
    HAVING count(*) = cardinality($1::text[]) AND bool_and(as_priced AND stock >= quantity)
  ), taken AS (
    UPDATE products SET stock = products.stock - locked.quantity FROM locked, ready
    WHERE products.id = locked.id AND ready.cause <> ''
  ), placed AS (
    INSERT INTO orders (${ORDER_COLUMNS}, salesperson, create_time, update_time)
    SELECT
      $4::text, $5::text, $6::text, $7::date, $8::numeric, $9::numeric, $10::text, $11::numeric, $12::numeric,
      salesperson, $18::timestamptz, $18::timestamptz
    FROM ready
    RETURNING id, salesperson, sequence
  ), lines AS (
    INSERT INTO order_lines (order_id, position, product_id, quantity, discount_percent, title, unit_price_minor)
    SELECT $4::text, line.position, product_id, quantity, discount, title, unit_price_minor
    FROM ready, unnest($13::text[], $14::bigint[], $15::numeric[], $16::text[], $17::numeric[]) WITH ORDINALITY
      AS line (product_id, quantity, discount, title, unit_price_minor, position)
  ), claimed AS (
    ${outcomeSql({ params: 21, from: 'ready' })}
  ), appended AS (
    ${appendSql({ topic: `'${ORDERS_TOPIC}'`, payload: PLACED, from: 'placed' })}
  )${audited ? `, audited AS (${auditSql({ params: 27, from: 'placed' })})` : ''}
  SELECT
    EXISTS (SELECT FROM placed) AS placed,
    array_agg(id) AS short_ids, array_agg(stock) AS short_stocks, array_agg(quantity) AS short_quantities
  FROM (
    SELECT id, stock, quantity FROM short
    UNION ALL
    SELECT id, stock, quantity FROM locked WHERE stock < quantity
  ) AS missing`;

export const PLACE_ORDER = placeOrderSql(false);
const PLACE_AUDITED_ORDER = placeOrderSql(true);

/** The statement itself tells watchers the salesperson, which the database sets. */
const NEW = { project: undefined, state: 'placed', version: 1n, salesperson: '' } as const;

interface PlacedRow {
  readonly placed: boolean;
  /** Null if no product was short. */
  readonly short_ids: readonly string[] | null;
  readonly short_stocks: readonly bigint[] | null;
  readonly short_quantities: readonly bigint[] | null;
}

/** Implements `OrderStore.place`. */
export async function placeOrder<R extends object>(
  queries: Queries,
  order: OrderDraft,
  { versions, createTime, toReply }: Placing<R>,
): Promise<Placement<R>> {
  const needs = [...totalNeeds(order.lines)];
  const ids = needs.map(([id]) => id);
  const wanted = [ids, needs.map(([, quantity]) => quantity), ids.map((id) => versions.get(id) ?? null)];
  const placed: Order = { ...order, ...NEW, createTime, updateTime: createTime };
  const reply = toReply(placed);
  const outcome = outcomeParams(currentWorkLimits().once, () => reply);
  const cause = causeParam({ reason: 'ORDERED', reference: nameOf('order', order.id) });
  const audited = auditParams(reply);
  const params = [
    ...wanted,
    ...orderParams(order),
    ...lineParams(order.lines),
    ...[createTime, orderJson(placed), cause],
    ...outcome,
    ...(audited ?? []),
  ];
  const [sql, name] = audited ? [PLACE_AUDITED_ORDER, 'place_audited_order'] : [PLACE_ORDER, 'place_order'];
  try {
    const row = await queries.one<PlacedRow>(sql, params, { name });
    if (row.placed) return { kind: 'placed', reply };
    const shortages = shortagesOf(row);
    return shortages.length > 0 ? { kind: 'short', shortages } : { kind: 'stale' };
  } catch (error) {
    if (error instanceof UniqueViolation && error.constraint === 'call_outcomes_pkey') return { kind: 'repeated' };
    throw error;
  }
}

function shortagesOf({ short_ids, short_stocks, short_quantities }: PlacedRow): readonly Shortage[] {
  return (short_ids ?? []).map((productId, index) => ({
    product: nameOf('product', productId),
    available: short_stocks?.[index] ?? 0n,
    needed: short_quantities?.[index] ?? 0n,
  }));
}
