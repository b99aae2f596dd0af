import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { until } from '@rondo/harness';
import { type CallOptions, type Channel, createClient } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';

/** A quote of one product that no other quote has. */
export interface Sale {
  readonly quoteId: string;
  readonly productId: string;
}

/** Makes and accepts quotes. */
export type Shop = Awaited<ReturnType<typeof openShop>>;

/** The stock of each product, what a quote takes of it, and the effort to deliver that. */
export const STOCK = 10n;
export const QUANTITY = 4n;
export const EFFORT_MINUTES = 30n * QUANTITY;

const START_TIMEOUT_MS = 60_000;

/** Waits until the services serve, and makes a team that delivers and a customer. */
export async function openShop(channel: Channel) {
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
    /** Resolves once both services serve, which takes some time after a restart. */
    open,
    /** Makes a quote of a product of its own. */
    async offer(): Promise<Sale> {
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
    /** Accepts a quote; gives the name of the status that the call ended with. */
    accept: ({ quoteId }: Sale, options?: CallOptions): Promise<string> =>
      quotes.acceptQuote({ name: `quotes/${quoteId}` }, options).then(
        () => 'OK',
        (error: unknown) => (error instanceof RpcError ? error.codeName : String(error)),
      ),
  };
}

function idOf(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}
