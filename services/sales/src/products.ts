import { Product, ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import type { Queries } from '@rondo/database';
import { defineResource, type Hooks, moneyColumns, standardMethods } from '@rondo/resources';
import { toWatchError } from '@rondo/resources/sql';
import { callPrincipal, currentScope, currentWorkLimits, type ServerCall } from '@rondo/rpc/call';
import { payloadFields, type Sync } from '@rondo/sync';
import type { SalesMethods } from './context.js';
import { currencyDigits } from './domain/money.js';
import { errors } from './errors.js';

/** Products: the articles for sale. Their stock is changed by `stock.ts` and by orders. */
export const products = defineResource(Product, {
  table: 'products',
  columns: {
    unitPrice: {
      ...moneyColumns({ currency: 'currency', amount: 'unit_price_minor', digits: currencyDigits }),
      needed: 'is required: an amount in a currency, such as 19.99 EUR',
    },
  },
  filter: ['title', 'sku', 'stock', 'createTime'],
  sort: ['createTime', 'title', 'sku'],
  unique: { products_sku_key: { sku: 'SKU' } },
  immutable: ['stock'],
  // With an index on the stock, each order would change every index of its products.
  list: { unindexed: ['stock'] },
});

/** The standard methods of products, and `WatchProductChanges`. */
export const productMethods = (methods: SalesMethods) => ({
  ...standardMethods(ProductServiceDefinition, products, { ...methods, ...rules }),
  watchProductChanges: (_: object, { signal }: ServerCall) =>
    errors.streamWithRpcErrors(namesOfChanged(methods.sync, signal), (product) => ({ product })),
});

const rules: Hooks<Product> = {
  check({ unitPrice }, field) {
    if (unitPrice === undefined || (unitPrice.units >= 0n && unitPrice.nanos >= 0)) return;
    field('unit_price')(`must not be negative; it is ${unitPrice.units} units and ${unitPrice.nanos} nanos`);
  },
  async beforeCreate(_draft, { tx }) {
    await tellCause(tx, { reason: 'CREATED', reference: '' });
    return undefined;
  },
};

/** The names of products that change at any replica, after an empty one. */
async function* namesOfChanged(sync: Pick<Sync, 'watch'>, signal: AbortSignal): AsyncIterable<string> {
  const { caller } = currentWorkLimits();
  const snapshot = async function* () {
    yield undefined;
  };
  try {
    for await (const event of sync.watch({ topic: 'products', caller, signal, snapshot })) {
      if (event.kind === 'change') yield* idsOf(event.payload).map((id) => products.nameOf(id));
      else yield '';
    }
  } catch (error) {
    throw toWatchError(error, 'products');
  }
}

/** Entries from before migration 0013 have one id. */
function idsOf(payload: unknown): readonly string[] {
  const { texts, text } = payloadFields(payload);
  return typeof payload === 'object' && payload !== null && 'ids' in payload ? texts('ids') : [text('id')];
}

/** Why this service changes a stock, and the name of the order, or what the caller gave. */
export interface StockCause {
  readonly reason: 'CREATED' | 'ADJUSTED' | 'ORDERED' | 'ORDER_CANCELLED';
  readonly reference: string;
}

/** As long as the subjects of audit events. */
const MAX_SUBJECT = 255;

/**
 * SQL that tells the triggers of `products` why the stock changes, for the statement that changes it. They append the change.
 *
 * @param param the number of the parameter of {@link causeParam}.
 */
export const tellCauseSql = (param: number): string => `set_config('rondo.stock_change', $${param}::text, true)`;

/** The parameter of {@link tellCauseSql}, with the subject of the present call. Neither text has characters that JSON has, and jsonb not. */
export function causeParam({ reason, reference }: StockCause): string {
  const { subject = '' } = currentScope()?.values?.get(callPrincipal) ?? {};
  const shortened = Buffer.from(subject.slice(0, MAX_SUBJECT).replaceAll('\0', '')).toString();
  return JSON.stringify({ reason, reference, subject: shortened });
}

/** Tells the triggers why the next statements of the transaction change stocks. */
export async function tellCause(tx: Queries, cause: StockCause): Promise<void> {
  await tx.query(`SELECT ${tellCauseSql(1)}`, [causeParam(cause)]);
}

const SAVE_STOCK = `
  UPDATE products SET stock = saved.stock
  FROM unnest($1::text[], $2::bigint[]) AS saved (id, stock), (SELECT ${tellCauseSql(3)} AS cause) AS told
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
