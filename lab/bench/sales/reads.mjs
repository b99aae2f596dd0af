import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createClient } from '@rondo/rpc/client';

/** The clients of sales over a channel. */
export const salesOver = (channel) => ({
  customers: createClient(CustomerServiceDefinition, { channel }),
  orders: createClient(OrderServiceDefinition, { channel }),
  products: createClient(ProductServiceDefinition, { channel }),
  quotes: createClient(QuoteServiceDefinition, { channel }),
});

/** The acceptance of one open quote after the other. */
export function acceptancesOf({ quotes }) {
  let next = 1;
  return new Map([['AcceptQuote', () => quotes.acceptQuote({ name: `quotes/a${next++}` })]]);
}

/** Opens a watch, and ends it after its first message. */
async function firstOf(watch) {
  for await (const message of watch) return message;
  throw new Error('the watch has ended without a message');
}

/** Every get and list of a company, and the first message of each watch, by name: functions that call, and resolve to a reply. */
export function readsOf({ quotes, orders, products, customers, count }) {
  const listQuotes = (filter, more) => () => quotes.listQuotes({ filter, ...more });
  const listOrders = (filter) => () => orders.listOrders({ filter });
  const listProducts = (filter) => () => products.listProducts({ filter });
  const listCustomers = (filter) => () => customers.listCustomers({ filter });
  return new Map([
    ['GetQuote', () => quotes.getQuote({ name: 'quotes/q30' })],
    ['GetOrder', () => orders.getOrder({ name: 'orders/o30' })],
    ['GetProduct', () => products.getProduct({ name: 'products/p7' })],
    ['GetCustomer', () => customers.getCustomer({ name: 'customers/c8' })],
    ['ListQuotes', listQuotes('')],
    ['ListQuotes, show_deleted', listQuotes('', { showDeleted: true })],
    ['ListQuotes, state = OPEN', listQuotes('state = OPEN')],
    ['ListQuotes, state = ACCEPTING', listQuotes('state = ACCEPTING')],
    ['ListQuotes, state = ACCEPTING, show_deleted', listQuotes('state = ACCEPTING', { showDeleted: true })],
    ['ListQuotes, state != ACCEPTED', listQuotes('state != ACCEPTED')],
    ['ListQuotes, rare customer', listQuotes('customer = "customers/c1"')],
    ['ListQuotes, customer AND state', listQuotes('customer = "customers/c5" AND state = OPEN')],
    ['ListQuotes, early quote_date', listQuotes('quote_date < "2020-01-02"')],
    ['ListQuotes, early create_time', listQuotes('create_time < "2020-01-02T00:00:00Z"')],
    ['ListQuotes, by quote_date', listQuotes('', { orderBy: 'quote_date desc' })],
    ['ListQuotes, by quote_date, state = OPEN', listQuotes('state = OPEN', { orderBy: 'quote_date desc' })],
    ['ListOrders', listOrders('')],
    ['ListOrders, by order_date', () => orders.listOrders({ orderBy: 'order_date' })],
    ['ListOrders, state = CANCELLED', listOrders('state = CANCELLED')],
    ['ListOrders, customer AND state', listOrders('customer = "customers/c5" AND state = CANCELLED')],
    ['ListOrders, of a quote', listOrders('quote = "quotes/q30"')],
    ['ListOrders, early order_date', listOrders('order_date < "2020-01-02"')],
    ['ListOrders, nothing', listOrders('state = PLACED AND order_date > "2999-01-01"')],
    ['WatchOrders', () => firstOf(orders.watchOrders({}))],
    ['WatchOrders, of a customer', () => firstOf(orders.watchOrders({ customer: 'customers/c5' }))],
    ['WatchOrders, from_now', () => firstOf(orders.watchOrders({ fromNow: true }))],
    ['WatchProductChanges', () => firstOf(products.watchProductChanges({}))],
    ['ListProducts', listProducts('')],
    ['ListProducts, by title', () => products.listProducts({ orderBy: 'title' })],
    ['ListStockChanges', () => products.listStockChanges({ parent: 'products/p7' })],
    ['ListProducts, title', listProducts('title = "Product 3"')],
    ['ListProducts, sku', listProducts('sku = "SKU-3"')],
    ['ListProducts, stock', listProducts('stock < 0')],
    ['ListCustomers', listCustomers('')],
    ['ListCustomers, email', listCustomers('email = "c3@example.com"')],
    ['ListCustomers, display_name', listCustomers('display_name = "Customer 3"')],
    [
      'ListCustomers, latest',
      listCustomers(`create_time > "${new Date(Date.UTC(2020, 0, 1) + count * 6_000).toISOString()}"`),
    ],
  ]);
}
