import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { type Product, ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { type Quote, QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { startTestPostgres } from '@rondo/database/testing';
import { silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { systemRandom } from '@rondo/rpc/clock';
import { createTestChannel } from '@rondo/rpc/testing';
import { createApp } from '../src/app.js';
import { FakeCalculator, FakeProjects } from './fake-peers.js';

/** The whole service over its contract: a real database, peers that only the network is taken away from. */
export async function startCompany() {
  const postgres = await startTestPostgres();
  const calculator = new FakeCalculator();
  const projects = new FakeProjects();
  const peers = createTestChannel({ services: [calculator.service, projects.service] });
  const databaseUrl = await postgres.createDatabase();
  const app = createApp({ log: silentLogger, channel: peers, random: systemRandom }, { databaseUrl });
  for (const { check } of app.dependencies ?? []) await check(AbortSignal.timeout(10_000));
  const channel = createTestChannel({ services: app.services });

  return {
    ...clientsOver(channel),
    calculator,
    projects,
    postgres,
    dependencies: app.dependencies ?? [],
    databaseUrl,
    async stop() {
      channel.close();
      peers.close();
      await app.stop?.();
      await postgres.stop();
    },
  };
}

/** What {@link startCompany} starts. */
export type Company = Awaited<ReturnType<typeof startCompany>>;

function clientsOver(channel: Channel) {
  return {
    customers: createClient(CustomerServiceDefinition, { channel }),
    products: createClient(ProductServiceDefinition, { channel }),
    quotes: createClient(QuoteServiceDefinition, { channel }),
    orders: createClient(OrderServiceDefinition, { channel }),
  };
}

let count = 0;

/** A customer with an address that nobody else has. */
export async function addCustomer({ customers }: Company): Promise<string> {
  count += 1;
  const { name } = await customers.createCustomer({
    customer: { displayName: `Customer ${count}`, email: `customer-${count}@example.com` },
  });
  return name;
}

/** A product with an SKU that nobody else has: 19.99 euros, ten of it, an hour to deliver, unless `fields` say otherwise. */
export function addProduct(
  { products }: Company,
  fields: Partial<Pick<Product, 'title' | 'unitPrice' | 'stock' | 'deliveryEffortMinutes'>> = {},
): Promise<Product> {
  count += 1;
  const product = {
    title: `Product ${count}`,
    sku: `SKU-${count}`,
    unitPrice: { currencyCode: 'EUR', units: 19n, nanos: 990_000_000 },
    stock: 10n,
    deliveryEffortMinutes: 60n,
    ...fields,
  };
  return products.createProduct({ product });
}

/** A quote for some of one product. */
export function addQuote(
  { quotes }: Company,
  customer: string,
  line: { product: string; quantity: bigint },
): Promise<Quote> {
  return quotes.createQuote({ quote: { customer, lines: [line] } });
}
