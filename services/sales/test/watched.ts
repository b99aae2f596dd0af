import type { Customer, WatchCustomersResponse } from '@rondo/contracts/sales/v1/customers';
import type { Order, WatchOrdersResponse } from '@rondo/contracts/sales/v1/orders';
import type { Product, WatchProductsResponse } from '@rondo/contracts/sales/v1/products';
import type { Quote, WatchQuotesResponse } from '@rondo/contracts/sales/v1/quotes';
import { readWatch, type WatchEvent } from '@rondo/resources/testing';

export type Resource = Customer | Product | Quote | Order;
type Response = WatchCustomersResponse | WatchProductsResponse | WatchQuotesResponse | WatchOrdersResponse;

/** Quotes and orders may be for this customer and of this product. */
export const [BUYER, DESK] = ['customers/buyer', 'products/desk'];

/** SQL for both. */
export const PARTIES = `
  INSERT INTO customers (id, display_name, email) VALUES ('buyer', 'Buyer', 'buyer@example.com');
  INSERT INTO products (id, title, sku, currency, unit_price_minor, stock, delivery_effort_minutes)
    VALUES ('desk', 'Desk', 'DESK', 'EUR', 1999, 1000000, 60);`;

/** Reads a watch message by message. */
export const reading = (stream: AsyncIterable<Response>) => readWatch(stream, watchEventOf);

type Event = NonNullable<Response['event']>;

function watchEventOf(event: Event): WatchEvent<Resource> {
  if (event.$case !== 'snapshot') return { changed: event.value };
  const { first, more } = event.value;
  if ('customers' in event.value) return { items: event.value.customers, first, more };
  if ('orders' in event.value) return { items: event.value.orders, first, more };
  return { items: 'products' in event.value ? event.value.products : event.value.quotes, first, more };
}
