/** Calls of every kind of method of the services that have a database, and what is known of their effects. */

import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { CoordinatorServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import type { Database } from '@rondo/database';
import { eventually } from '@rondo/harness';
import { type Channel, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';

const clientsOf = (channel: Channel) => ({
  customers: createClient(CustomerServiceDefinition, { channel }),
  products: createClient(ProductServiceDefinition, { channel }),
  quotes: createClient(QuoteServiceDefinition, { channel }),
  orders: createClient(OrderServiceDefinition, { channel }),
  projects: createClient(ProjectServiceDefinition, { channel }),
  jobs: createClient(JobServiceDefinition, { channel }),
  events: createClient(EventServiceDefinition, { channel }),
  coordinator: createClient(CoordinatorServiceDefinition, { channel }),
});

/** Whether a failed call may have changed something. */
const mayHaveEffect = (error: unknown) =>
  !(error instanceof RpcError && error.code === Status.UNAVAILABLE && !error.message.includes('outcome is unknown'));

/** What the callers of writes know of their effects. */
interface Known {
  /** Whether a customer was created, by e-mail address. */
  readonly created: Map<string, 'yes' | 'no' | 'perhaps'>;
  /** The names of orders that were placed without a quote, of quotes that were accepted, and of quotes with a reminder. */
  readonly placed: string[];
  readonly accepted: string[];
  readonly reminded: string[];
  /** How often one product's stock was increased by one, and how often perhaps. */
  added: bigint;
  perhapsAdded: bigint;
}

/** Calls of every kind of method, and what the writes among them are known to have done. */
export async function startKinds(channel: Channel) {
  const { customers, products, quotes, orders, projects, jobs, events, coordinator } = clientsOf(channel);
  let number = 0;
  const nameNext = () => {
    number += 1;
    return { displayName: 'Ada', email: `a${number}@example.com` };
  };
  const unitPrice = { currencyCode: 'EUR', units: 10n };
  const { name: customer } = await eventually(() => customers.createCustomer({ customer: nameNext() }));
  const desk = { title: 'Desk', sku: 'DESK', unitPrice, stock: 1_000_000n, deliveryEffortMinutes: 1n };
  const { name: product } = await products.createProduct({ product: desk });
  const { name: counted } = await products.createProduct({ product: { title: 'Kit', sku: 'KIT', unitPrice } });
  await eventually(() => projects.listProjects({}));
  // What is published before isn't delivered to it.
  await eventually(async () => expect((await events.listGroups({})).groups).toHaveLength(1));
  const lines = [{ product, quantity: 1n }];
  const known: Known = { created: new Map(), placed: [], accepted: [], reminded: [], added: 0n, perhapsAdded: 0n };
  const kinds: Readonly<Record<string, () => Promise<unknown>>> = {
    getCustomer: () => customers.getCustomer({ name: customer }),
    listProjects: () => projects.listProjects({ pageSize: 5 }),
    async watchCustomers() {
      const control = new AbortController();
      for await (const _ of customers.watchCustomers({}, { signal: control.signal, timeoutMs: 5_000 })) break;
      control.abort();
    },
    async createCustomer() {
      const given = nameNext();
      known.created.set(given.email, 'perhaps');
      const settle = (is: 'yes' | 'no' | 'perhaps') => void known.created.set(given.email, is);
      await customers.createCustomer({ customer: given }).then(
        () => settle('yes'),
        (error) => {
          settle(mayHaveEffect(error) ? 'perhaps' : 'no');
          throw error;
        },
      );
    },
    createOnce: () => customers.createCustomer({ customer: nameNext(), requestId: crypto.randomUUID() }),
    updateCustomer: () => customers.updateCustomer({ customer: { name: customer, displayName: nameNext().email } }),
    async deleteCustomer() {
      const { name } = await customers.createCustomer({ customer: nameNext() });
      await customers.deleteCustomer({ name });
    },
    async adjustStock() {
      await products.adjustStock({ name: counted, delta: 1n }).catch((error) => {
        if (mayHaveEffect(error)) known.perhapsAdded += 1n;
        throw error;
      });
      known.added += 1n;
    },
    async placeAndCancelOrder() {
      const { name } = await orders.placeOrder({ order: { customer, lines } });
      known.placed.push(name);
      await orders.cancelOrder({ name });
    },
    async acceptQuote() {
      const { name } = await quotes.createQuote({ quote: { customer, lines } });
      await quotes.acceptQuote({ name });
      known.accepted.push(name);
    },
    async remindOwner() {
      const { name } = await quotes.createQuote({ quote: { customer, lines, validUntilDate: inAMonth() } });
      known.reminded.push(name);
      for (const { id } of (await jobs.listJobs({})).jobs)
        await jobs.retryJob({ id }).catch((error) => {
          if (!(error instanceof RpcError && error.code === Status.NOT_FOUND)) throw error; // it has ended
        });
    },
    listJobs: () => jobs.listJobs({}),
    listGroups: () => events.listGroups({}),
    listTransactions: () => coordinator.listTransactions({}),
  };
  const list = () => customers.listCustomers({ pageSize: 5 });
  return { kinds, list, known, awaken: () => customers.getCustomer({ name: customer }) };
}

/** A day on which no test ends: the job that is due then is made due by `remindOwner`. */
function inAMonth() {
  const day = new Date(Date.now() + 30 * 86_400_000);
  return { year: day.getUTCFullYear(), month: day.getUTCMonth() + 1, day: day.getUTCDate() };
}

/**
 * What the texts of failed calls may name: the database, the instance that isn't ready without it, and the time that the call had. The
 * gateway doesn't name them.
 */
const NAMED: Readonly<Record<string, RegExp>> = {
  OK: /^/,
  UNAVAILABLE:
    /\bdatabase\b|: not ready yet|: not serving \(health\)|isn't ready: it waits for a dependency|no outcome within the \d+ ms|call again soon/,
  DEADLINE_EXCEEDED: /no outcome within the \d+ ms|took longer than it may/,
};
const READS = /^(get|list|watch)/;

/** How calls ended, by fault and method. */
export class Table {
  fault = 'no fault';
  readonly #rows = new Map<string, Map<string, number>>();
  readonly wrong: string[] = [];

  async note(method: string, call: () => Promise<unknown>): Promise<void> {
    const before = this.fault;
    const error = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const row = `${before === 'no fault' ? this.fault : before}: ${method}`;
    const code = error === undefined ? 'OK' : error instanceof RpcError ? error.codeName : 'no status';
    const counts = this.#rows.get(row) ?? new Map<string, number>();
    this.#rows.set(row, counts.set(code, (counts.get(code) ?? 0) + 1));
    const said = error === undefined ? '' : String(error);
    const isUnsureOfRead = READS.test(method) && said.includes('outcome is unknown');
    if (NAMED[code]?.test(said) !== true || isUnsureOfRead) this.wrong.push(`${row}: ${code} ${said}`);
  }

  print(): void {
    const rows = [...this.#rows].sort(([a], [b]) => a.localeCompare(b));
    const shown = rows.map(
      ([row, counts]) => `${row.padEnd(40)} ${[...counts].map(([code, n]) => `${n} ${code}`).join(', ')}\n`,
    );
    process.stdout.write(shown.join(''));
  }
}

/** Makes each of the calls again and again, with pauses, until the result is called. That resolves when all have ended. */
export function repeatAll(
  table: Table,
  calls: readonly (readonly [string, () => Promise<unknown>])[],
  pauseMs: number,
) {
  let over = false;
  const repeat = async ([method, call]: (typeof calls)[number]) => {
    while (!over) {
      await table.note(method, call);
      await sleep(pauseMs);
    }
  };
  const loops = calls.map(repeat);
  return async (): Promise<void> => {
    over = true;
    await Promise.all(loops);
  };
}

/** Fails if an acknowledged effect is lost or doubled, or an effect exists although its caller got the answer that it doesn't. */
export async function expectKnown(sales: Database, known: Known): Promise<void> {
  const { created, placed, accepted, added, perhapsAdded } = known;
  const rows = await sales.query<{ email: string }>('SELECT email FROM customers');
  const stored = new Set(rows.map(({ email }) => email));
  for (const [email, is] of created)
    if (is !== 'perhaps') expect([email, stored.has(email)]).toEqual([email, is === 'yes']);
  const { stock } = await sales.one<{ stock: bigint }>("SELECT stock FROM products WHERE sku = 'KIT'");
  expect(stock).toBeGreaterThanOrEqual(added);
  expect(stock).toBeLessThanOrEqual(added + perhapsAdded);
  const orders = await sales.query<{ name: string }>(
    "SELECT coalesce('quotes/' || quote_id, 'orders/' || id) AS name FROM orders",
  );
  expect(orders.map(({ name }) => name)).toEqual(expect.arrayContaining([...placed, ...accepted]));
}
