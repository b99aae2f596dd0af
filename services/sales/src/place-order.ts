import { type Order, OrderPlaced, type PlaceOrderRequest } from '@rondo/contracts/sales/v1/orders';
import { outcomeParams, outcomeSql, type SqlValue, UniqueViolation } from '@rondo/database';
import { auditParams, auditSql, readDraft } from '@rondo/resources';
import { ConcurrentChange } from '@rondo/resources/domain';
import { currentWorkLimits } from '@rondo/rpc/call';
import { reading } from '@rondo/rpc/server';
import { publishSql, type Topics } from '@rondo/topics';
import { checkBegun, dayOf, type SalesMethods, todayBy } from './context.js';
import { customers } from './customers.js';
import { InsufficientStock, type Shortage } from './domain/errors.js';
import { formatPercent } from './domain/percent.js';
import { totalNeeds } from './domain/stock.js';
import { errors } from './errors.js';
import { lineMessage, orderLines } from './offer-lines.js';
import { makeOffer, type Offer } from './offers.js';
import { appendOrderSql, CHANGE_COLUMNS, orders } from './orders.js';
import { products } from './products.js';
import { causeParam, tellCauseSql } from './stock-cause.js';

/** The columns that placing an order sets, besides salesperson and times. */
const COLUMNS = [
  ...['id', 'quote_id', 'customer_id', 'order_date', 'discount_percent', 'tax_percent'],
  ...['currency', 'net_minor', 'total_minor'],
] as const;

const LINES = orderLines.fromParams(13);

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
 * `$13` to `$17` its lines; `$18` the time, and `$19` the cause of the changed stocks; `$20` to `$25` the outcome of the call;
 * `$26` to `$30` what is published; `$31` to `$38` what is audited, if it is.
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
    SELECT (SELECT salesperson FROM customer) AS salesperson, ${tellCauseSql(19)} AS cause FROM locked
    HAVING count(*) = cardinality($1::text[]) AND bool_and(as_priced AND stock >= quantity)
  ), taken AS (
    UPDATE products SET stock = products.stock - locked.quantity FROM locked, ready
    WHERE products.id = locked.id AND ready.cause <> ''
  ), placed AS (
    INSERT INTO orders (${COLUMNS.join(', ')}, salesperson, create_time, update_time)
    SELECT
      $4::text, $5::text, $6::text, $7::date, $8::numeric, $9::numeric, $10::text, $11::numeric, $12::numeric,
      salesperson, $18::timestamptz, $18::timestamptz
    FROM ready
    RETURNING ${CHANGE_COLUMNS}
  ), lines AS (
    ${orderLines.insertSql('$4::text', `ready, ${LINES}`)}
  ), claimed AS (
    ${outcomeSql({ params: 20, from: 'ready' })}
  ), appended AS (
    ${appendOrderSql('placed', orderLines.jsonSql(LINES))}
  ), ${publishSql({ params: 26, from: 'placed' })}${audited ? `, audited AS (${auditSql({ params: 31, from: 'placed' })})` : ''}
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

/** `PlaceOrder`. It tries again if a product has changed between its pricing and the order. */
export const placeOrder = (methods: SalesMethods, topics: OrderTopics) =>
  reading(
    (request: PlaceOrderRequest, field) => {
      const { customer = '', lines = [], orderDate, ...percents } = readDraft(orders, request, field);
      const [day, today] = [dayOf(orderDate), todayBy(methods)];
      checkBegun((path) => field(`order.${path}`), 'order_date', { day, today });
      return { customer, lines, ...percents, orderDate: day ?? today };
    },
    (request) => errors.withRpcErrors(place({ ...methods, topics }, request)),
  );

/** The event by which other services learn of an order. */
export type OrderTopics = Pick<Topics, 'params' | 'nudge'>;

type PlaceMethods = SalesMethods & { readonly topics: OrderTopics };

/** An order before it is priced. */
interface OrderRequest extends Pick<Partial<Order>, 'discountPercent' | 'taxPercent'> {
  readonly customer: string;
  readonly lines: Order['lines'];
  readonly orderDate: string;
}

const MAX_ATTEMPTS = 5;

/** @throws NotFound, Deleted, MixedCurrencies, TotalOutOfRange, InsufficientStock, ConcurrentChange, Unavailable */
async function place(methods: PlaceMethods, request: OrderRequest): Promise<Order> {
  const { database, sync } = methods;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const placement = await placeOnce(methods, request, await makeOffer(methods, request, 'order'));
    if (placement.kind === 'placed') {
      sync.nudge();
      methods.topics.nudge();
      return placement.order;
    }
    if (placement.kind === 'short') throw new InsufficientStock(placement.shortages);
    if (placement.kind === 'repeated') break;
    // The statement that places the order also checks the customer. This finds out what is wrong with it.
    await customers.getLive(database, request.customer);
  }
  throw new ConcurrentChange();
}

/** The outcome of placing an order. Unless it is `placed`, nothing was stored. */
type Placement =
  | { readonly kind: 'placed'; readonly order: Order }
  | { readonly kind: 'short'; readonly shortages: readonly Shortage[] }
  /** A product was changed or deleted since it was priced, or the customer was deleted. */
  | { readonly kind: 'stale' }
  /** An earlier call with the same key has placed an order. */
  | { readonly kind: 'repeated' };

interface PlacedRow {
  readonly placed: boolean;
  /** Null if no product was short. */
  readonly short_ids: readonly string[] | null;
  readonly short_stocks: readonly bigint[] | null;
  readonly short_quantities: readonly bigint[] | null;
}

async function placeOnce(
  { database, topics, newId, now }: PlaceMethods,
  { customer, orderDate }: OrderRequest,
  { lines, versions, price: { net, total }, ...offer }: Offer,
): Promise<Placement> {
  const row = {
    id: newId(),
    quote_id: null,
    customer_id: customers.idsIn(customer)[0] ?? '',
    order_date: orderDate,
    discount_percent: formatPercent(offer.discount),
    tax_percent: formatPercent(offer.taxRate),
    currency: total.currency,
    net_minor: net.minorUnits,
    total_minor: total.minorUnits,
  };
  const time = now();
  // The statement stores the reply for repetitions of the call, so it is made before. Its etag isn't of the lines.
  const placed = orders.toResource({ ...row, version: 1n, create_time: time, update_time: time });
  const order = { ...placed, lines: lines.map(lineMessage) };
  const needs = [...totalNeeds(lines.map(({ productId: product, quantity }) => ({ product, quantity })))];
  const ids = needs.map(([id]) => id);
  const audited = auditParams(order);
  const params: readonly SqlValue[] = [
    ...[ids, needs.map(([, quantity]) => quantity), ids.map((id) => versions.get(id) ?? null)],
    ...COLUMNS.map((column) => row[column]),
    ...orderLines.params(lines),
    ...[time, causeParam({ reason: 'ORDERED', reference: order.name })],
    ...outcomeParams(currentWorkLimits().once, () => order),
    ...(await topics.params(OrderPlaced, { order: order.name, customer })),
    ...(audited ?? []),
  ];
  const [sql, name] = audited ? [PLACE_AUDITED_ORDER, 'place_audited_order'] : [PLACE_ORDER, 'place_order'];
  try {
    const outcome = await database.one<PlacedRow>(sql, params, { name });
    if (outcome.placed) return { kind: 'placed', order };
    const shortages = shortagesOf(outcome);
    return shortages.length > 0 ? { kind: 'short', shortages } : { kind: 'stale' };
  } catch (error) {
    if (error instanceof UniqueViolation && error.constraint === 'call_outcomes_pkey') return { kind: 'repeated' };
    throw error;
  }
}

const shortagesOf = ({ short_ids, short_stocks, short_quantities }: PlacedRow): readonly Shortage[] =>
  (short_ids ?? []).map((id, index) => ({
    product: products.nameOf(id),
    available: short_stocks?.[index] ?? 0n,
    needed: short_quantities?.[index] ?? 0n,
  }));
