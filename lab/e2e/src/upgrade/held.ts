import { randomUUID } from 'node:crypto';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { follow } from '../../../../e2e/src/watching.js';

/** What a caller holds of resources while the services are replaced. */
export type Held = Awaited<ReturnType<typeof hold>>;

interface Named {
  readonly name: string;
  readonly etag: string;
}

interface Message {
  readonly event?: { readonly $case: string; readonly value: object } | undefined;
  readonly resumeToken: string;
}

/** A resource with the calls that change and watch it. */
interface Kind {
  readonly made: Named;
  readonly update: (etag: string) => Promise<Named>;
  readonly watch: (resumeToken: string, signal: AbortSignal) => AsyncIterable<Message>;
}

/** Creates a resource of each kind, and holds its etag and the token of a watch. */
export async function hold(registry: string) {
  const channel = createRegistryChannel({ registry: [registry] });
  const kinds = await makeKinds(channel);
  const tokens = await Promise.all(kinds.map(({ watch }) => tokenOf(watch)));
  const use = async ({ made: { name, etag }, update, watch }: Kind, resumeToken: string): Promise<void> => {
    const { etag: now } = await update(etag);
    const resumed = await follow((signal) => watch(resumeToken, signal));
    await resumed.until(({ event }) => Reflect.get(event?.value ?? {}, 'etag') === now);
    await resumed.stop();
    if (resumed.received.some(({ event }) => event?.$case === 'snapshot'))
      throw new Error(`the watch of ${name} began again with a snapshot`);
  };
  return {
    /** Changes each resource by the etag that was read before, and reads of each change by the token of a watch that ended before. */
    use: async () => void (await Promise.all(kinds.map((kind, index) => use(kind, tokens[index] ?? '')))),
    close: () => channel.close(),
  };
}

/** The token of a watch that has read the snapshot, and ends. */
async function tokenOf(watch: Kind['watch']): Promise<string> {
  const isLast = ({ event }: Message) => Reflect.get(event?.value ?? {}, 'more') === false;
  const watching = await follow((signal) => watch('', signal));
  await watching.until(isLast);
  await watching.stop();
  return watching.received.find(isLast)?.resumeToken ?? '';
}

async function makeKinds(channel: ReturnType<typeof createRegistryChannel>): Promise<readonly Kind[]> {
  const customers = createClient(CustomerServiceDefinition, { channel });
  const products = createClient(ProductServiceDefinition, { channel });
  const quotes = createClient(QuoteServiceDefinition, { channel });
  const projects = createClient(ProjectServiceDefinition, { channel });
  const text = randomUUID();
  const unitPrice = { currencyCode: 'EUR', units: 10n };
  const customer = await customers.createCustomer({ customer: { displayName: 'Held', email: `${text}@example.com` } });
  const product = await products.createProduct({ product: { title: 'Held', sku: text, unitPrice, stock: 1n } });
  const lines = [{ product: product.name, quantity: 1n }];
  const quote = await quotes.createQuote({ quote: { customer: customer.name, lines } });
  const project = await projects.createProject({ project: { title: 'Held' } });
  return [
    {
      made: customer,
      update: (etag) => customers.updateCustomer({ customer: { name: customer.name, displayName: text, etag } }),
      watch: (resumeToken, signal) => customers.watchCustomers({ resumeToken }, { signal }),
    },
    {
      made: product,
      update: (etag) => products.updateProduct({ product: { name: product.name, title: text, etag } }),
      watch: (resumeToken, signal) => products.watchProducts({ resumeToken }, { signal }),
    },
    {
      made: quote,
      update: (etag) => quotes.updateQuote({ quote: { name: quote.name, taxPercent: { value: '7' }, etag } }),
      watch: (resumeToken, signal) => quotes.watchQuotes({ resumeToken }, { signal }),
    },
    {
      made: project,
      update: (etag) => projects.updateProject({ project: { name: project.name, title: text, etag } }),
      watch: (resumeToken, signal) => projects.watchProjects({ resumeToken }, { signal }),
    },
  ];
}
