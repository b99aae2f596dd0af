import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { type CallOptions, type Channel, createClient } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';
import { until } from '../time.js';

/** A quote of one product, all of whose stock is there for it. */
export interface Sale {
  readonly quoteId: string;
  readonly productId: string;
}

/** What is sold. */
export interface Shop {
  /** Resolves once both services serve, as they do some time after a restart. */
  open(): Promise<unknown>;
  /** Offers a product of its own. */
  offer(): Promise<Sale>;
  /** Accepts a quote; gives the name of the code that it ended with. */
  accept(sale: Sale, options?: CallOptions): Promise<string>;
}

/** What there is of each product, what a quote takes of it, and what that is to deliver. */
export const STOCK = 10n;
export const QUANTITY = 4n;
export const EFFORT_MINUTES = 30n * QUANTITY;

const START_TIMEOUT_MS = 60_000;

/** Opens a shop with a team that delivers, once the services serve. */
export async function openShop(channel: Channel): Promise<Shop> {
  const customers = createClient(CustomerServiceDefinition, { channel });
  const products = createClient(ProductServiceDefinition, { channel });
  const quotes = createClient(QuoteServiceDefinition, { channel });
  const team = createClient(TeamServiceDefinition, { channel });
  const served = async () => {
    await Promise.all([customers.listCustomers({}), team.listMembers({})]);
    return true;
  };
  const open = () => until(served, { what: 'the services serve', timeoutMs: START_TIMEOUT_MS });
  await open();
  for (const one of ['ada', 'bob']) {
    await team.createMember({
      member: { displayName: one, email: `${one}@example.com`, weeklyCapacityMinutes: 2_400n },
    });
  }
  const { name: customer } = await customers.createCustomer({
    customer: { displayName: 'Chaos', email: 'chaos@example.com' },
  });
  let count = 0;
  return {
    open,
    async offer() {
      count += 1;
      const { name: product } = await products.createProduct({
        product: {
          title: `Product ${count}`,
          sku: `SKU-${count}`,
          unitPrice: { currencyCode: 'EUR', units: 10n },
          stock: STOCK,
          deliveryEffortMinutes: EFFORT_MINUTES / QUANTITY,
        },
      });
      const { name } = await quotes.createQuote({ quote: { customer, lines: [{ product, quantity: QUANTITY }] } });
      return { quoteId: idOf(name), productId: idOf(product) };
    },
    accept: ({ quoteId }, options) =>
      quotes.acceptQuote({ name: `quotes/${quoteId}` }, options).then(
        () => 'OK',
        (error: unknown) => (error instanceof RpcError ? error.codeName : String(error)),
      ),
  };
}

function idOf(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}
