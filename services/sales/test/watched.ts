import type { Customer, WatchCustomersResponse } from '@rondo/contracts/sales/v1/customers';
import type { Product, WatchProductsResponse } from '@rondo/contracts/sales/v1/products';
import type { Quote, WatchQuotesResponse } from '@rondo/contracts/sales/v1/quotes';
import { readWatch, type Told } from '@rondo/resources/testing';
import type { CallOptions } from '@rondo/rpc/client';
import { type Company, euros } from './company.js';

export type Clients = Pick<Company, 'customers' | 'products' | 'quotes'>;
export type Resource = Customer | Product | Quote;
type Response = WatchCustomersResponse | WatchProductsResponse | WatchQuotesResponse;

interface Request {
  readonly resumeToken?: string;
  readonly fromNow?: boolean;
}

/** A kind of resource that is watched, and how it changes. */
export interface Kind {
  watch(clients: Clients, request: Request, options?: CallOptions): AsyncIterable<Response>;
  add(clients: Clients): Promise<Resource>;
  get(clients: Clients, name: string): Promise<Resource>;
  remove(clients: Clients, name: string): Promise<Resource>;
  restore(clients: Clients, name: string): Promise<Resource>;
}

let count = 0;
/** A number that no other call has returned. */
export function unique(): number {
  count += 1;
  return count;
}

const customers: Kind = {
  watch: (clients, request, options) => clients.customers.watchCustomers(request, options),
  add: (clients) =>
    clients.customers.createCustomer({ customer: { displayName: 'Ada', email: `w${unique()}@example.com` } }),
  get: (clients, name) => clients.customers.getCustomer({ name }),
  remove: (clients, name) => clients.customers.deleteCustomer({ name }),
  restore: (clients, name) => clients.customers.undeleteCustomer({ name }),
};

const products: Kind = {
  watch: (clients, request, options) => clients.products.watchProducts(request, options),
  add: (clients) =>
    clients.products.createProduct({
      product: {
        title: 'Desk',
        sku: `W-${unique()}`,
        unitPrice: euros(19n, 99),
        stock: 100n,
        deliveryEffortMinutes: 60n,
      },
    }),
  get: (clients, name) => clients.products.getProduct({ name }),
  remove: (clients, name) => clients.products.deleteProduct({ name }),
  restore: (clients, name) => clients.products.undeleteProduct({ name }),
};

/** Quotes for this customer and of this product, which have to exist. */
export const [BUYER, DESK] = ['customers/buyer', 'products/desk'];

const quotes: Kind = {
  watch: (clients, request, options) => clients.quotes.watchQuotes(request, options),
  add: (clients) =>
    clients.quotes.createQuote({
      quote: {
        customer: BUYER,
        lines: [
          { product: DESK, quantity: 2n, discountPercent: { value: '2.5' } },
          { product: DESK, quantity: 1n },
        ],
        taxPercent: { value: '20' },
        validUntilDate: { year: 2999, month: 1, day: 1 },
      },
    }),
  get: (clients, name) => clients.quotes.getQuote({ name }),
  remove: (clients, name) => clients.quotes.deleteQuote({ name }),
  restore: (clients, name) => clients.quotes.undeleteQuote({ name }),
};

export const KINDS = { customers, products, quotes };

/** SQL for what quotes are of. */
export const PARTIES = `
  INSERT INTO customers (id, display_name, email) VALUES ('buyer', 'Buyer', 'buyer@example.com');
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
    VALUES ('desk', 'Desk', 'DESK', 'EUR', 1999, 1000000, 60);`;

/** Reads a watch message by message. */
export const reading = (stream: AsyncIterable<Response>) => readWatch(stream, toldBy);

type Event = NonNullable<Response['event']>;

function toldBy(event: Event): Told<Resource> {
  if (event.$case !== 'snapshot') return { changed: event.value };
  const { first, more } = event.value;
  if ('customers' in event.value) return { items: event.value.customers, first, more };
  return { items: 'products' in event.value ? event.value.products : event.value.quotes, first, more };
}
