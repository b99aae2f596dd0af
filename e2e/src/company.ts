import { ProjectServiceDefinition, ProjectState } from '@rondo/contracts/projects/v1/projects';
import { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition, OrderState } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition, QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { type Ended, runNode } from '@rondo/harness';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';
import { patientClock } from '../../packages/rpc/test/support/patient-clock.js';

/** Options of `npm run seed`. */
export interface SeedOptions {
  /** The day on which the company's year ends, such as `2020-02-26`; by default today. */
  readonly today?: string;
  /** How many days its clock is ahead. */
  readonly daysAhead?: number;
}

/** Runs `npm run seed` to its end. */
export function runSeed(registry: string, { today, daysAhead = 0 }: SeedOptions = {}): Promise<Ended> {
  const ahead = `const Real = Date, by = ${daysAhead} * 86_400_000;
    globalThis.Date = class extends Real {
      constructor(...at) { at.length > 0 ? super(...at) : super(Real.now() + by); }
      static now() { return Real.now() + by; }
    };`;
  const options = daysAhead === 0 ? '' : `--import=data:text/javascript,${encodeURIComponent(ahead)}`;
  const env = { RONDO_REGISTRY: registry, NODE_OPTIONS: options };
  const args = today === undefined ? [] : ['--today', today];
  return runNode(['services/sales/dist/seed/main.js', ...args], { env });
}

interface Page {
  readonly pageSize: number;
  readonly pageToken: string;
}

const PAGE_SIZE = 100;

/** All items of a list, page after page. */
async function all<Reply extends { readonly nextPageToken: string }, Item>(
  list: (page: Page) => Promise<Reply>,
  itemsOf: (reply: Reply) => readonly Item[],
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let pageToken = '';
  do {
    const reply = await list({ pageSize: PAGE_SIZE, pageToken });
    items.push(...itemsOf(reply));
    pageToken = reply.nextPageToken;
  } while (pageToken !== '');
  return items;
}

/** Lists everything that the services have, withdrawn quotes included. */
export async function readCompany(registry: string) {
  const channel = createRegistryChannel({ registry: [registry], clock: patientClock });
  const team = createClient(TeamServiceDefinition, { channel });
  const { listProjects } = createClient(ProjectServiceDefinition, { channel });
  const { listCustomers } = createClient(CustomerServiceDefinition, { channel });
  const { listProducts } = createClient(ProductServiceDefinition, { channel });
  const { listQuotes } = createClient(QuoteServiceDefinition, { channel });
  const { listOrders } = createClient(OrderServiceDefinition, { channel });
  const ofAll = { parent: 'members/-' };
  try {
    return {
      members: await all(
        (page) => team.listMembers(page),
        ({ members }) => members,
      ),
      reservations: await all(
        (page) => team.listReservations({ ...ofAll, ...page }),
        ({ reservations }) => reservations,
      ),
      projects: await all(
        (page) => listProjects(page),
        ({ projects }) => projects,
      ),
      customers: await all(
        (page) => listCustomers(page),
        ({ customers }) => customers,
      ),
      products: await all(
        (page) => listProducts(page),
        ({ products }) => products,
      ),
      quotes: await all(
        (page) => listQuotes({ ...page, showDeleted: true }),
        ({ quotes }) => quotes,
      ),
      orders: await all(
        (page) => listOrders(page),
        ({ orders }) => orders,
      ),
    };
  } finally {
    channel.close();
  }
}

/** Counts what `readCompany` has read. */
export function countCompany(company: Awaited<ReturnType<typeof readCompany>>) {
  const { members, customers, products, quotes, orders, projects, reservations } = company;
  return {
    members: members.length,
    customers: customers.length,
    products: countBy(products, ({ unitPrice }) => unitPrice?.currencyCode),
    quotes: countBy(quotes, ({ state, deleteTime }) => (deleteTime === undefined ? QuoteState[state] : 'withdrawn')),
    orders: countBy(orders, ({ state }) => OrderState[state]),
    projects: countBy(projects, ({ state }) => ProjectState[state]),
    reservations: reservations.length,
  };
}

function countBy<Item>(items: readonly Item[], keyOf: (item: Item) => string | undefined): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const key = keyOf(item) ?? 'none';
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
