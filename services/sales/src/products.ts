import { Product, ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { defineResource, type Hooks, moneyColumns, payloadFields, type Sync, standardMethods } from '@rondo/resources';
import { currentWorkLimits, type ServerCall } from '@rondo/rpc/call';
import type { SalesMethods } from './context.js';
import { currencyDigits } from './domain/money.js';
import { errors } from './errors.js';
import { tellCause } from './stock-cause.js';

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
  for await (const event of sync.watch({ topic: 'products', caller, signal, snapshot: async () => undefined })) {
    if (event.kind === 'change') yield* idsOf(event.payload).map((id) => products.nameOf(id));
    else yield '';
  }
}

/** Entries from before migration 0013 have one id. */
function idsOf(payload: unknown): readonly string[] {
  const { texts, text } = payloadFields(payload);
  return typeof payload === 'object' && payload !== null && 'ids' in payload ? texts('ids') : [text('id')];
}
