import type { Queries } from '@rondo/database';
import type { Stores } from '../domain/ports.js';
import { createCustomerStore } from './customer-store.js';
import { createOrderStore } from './order-store.js';
import { createProductStore } from './product-store.js';
import { createQuoteStore } from './quote-store.js';
import { createRequestLog } from './request-log.js';
import { createAfterwards, type Withdrawal } from './sagas.js';

/** What stores are made with. */
export interface StoresOptions {
  /** See {@link createOrderStore}. */
  readonly onAppended: () => void;
  readonly withdrawal: Withdrawal;
}

/** All stores over one way to run statements: a pool, or a transaction. */
export function createStores(queries: Queries, { onAppended, withdrawal }: StoresOptions): Stores {
  return {
    customers: createCustomerStore(queries),
    products: createProductStore(queries),
    quotes: createQuoteStore(queries),
    orders: createOrderStore(queries, onAppended),
    requests: createRequestLog(queries),
    afterwards: createAfterwards(queries, withdrawal),
  };
}
