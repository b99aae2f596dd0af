import type { Queries } from '@rondo/database';
import type { Stores } from '../domain/ports.js';
import { createCustomerStore } from './customer-store.js';
import { createOrderStore } from './order-store.js';
import { createProductStore } from './product-store.js';
import { createQuoteStore } from './quote-store.js';
import { createRequestLog } from './request-log.js';

/** All stores over one way to run statements: a pool, or a transaction. */
export function createStores(queries: Queries): Stores {
  return {
    customers: createCustomerStore(queries),
    products: createProductStore(queries),
    quotes: createQuoteStore(queries),
    orders: createOrderStore(queries),
    requests: createRequestLog(queries),
  };
}
