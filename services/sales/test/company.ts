import { afterAll, beforeAll } from '@jest/globals';
import type { Money } from '@rondo/contracts/google/type/money';
import { AuditServiceDefinition } from '@rondo/contracts/rondo/audit/v1/audit';
import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { CoordinatorServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { OrderServiceDefinition } from '@rondo/contracts/sales/v1/orders';
import { type Product, ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { type Quote, QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { createPool } from '@rondo/database';
import { startTestPostgres } from '@rondo/database/testing';
import { callerIdentity, callPrincipal, type ServerCall, silentLogger } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import { type Clock, systemClock, systemRandom, systemWallClock, type WallClock } from '@rondo/rpc/clock';
import type { Middleware } from '@rondo/rpc/middleware';
import { joinParts } from '@rondo/rpc/server';
import { createTestChannel, standIn, startParts, stopParts } from '@rondo/rpc/testing';
import { createApp } from '../src/app.js';
import { FakeCalculator } from './fake-calculator.js';
import { patient, startFakeProjects, unhurried } from './fake-projects.js';

/**
 * Starts the whole service behind its contract, with a real database and with fakes of the other services.
 *
 * @param prepare fills the database before the service connects to it.
 */
export async function startCompany(
  prepare: (databaseUrl: string) => Promise<void> = async () => undefined,
  audit: number | 'off' = 'off',
) {
  const postgres = await startTestPostgres();
  const calculator = new FakeCalculator();
  const databaseUrl = await postgres.createDatabase();
  const projects = await startFakeProjects(postgres);
  const peers = createTestChannel({
    ...patient,
    middleware: [unhurried],
    services: [
      calculator.service,
      ...projects.services,
      // The jobs of all replicas call the first one.
      standIn(QuoteServiceDefinition, { remindOwner: (request) => first.quotes.remindOwner(request) }),
      standIn(OrderServiceDefinition, { archiveProject: (request) => first.orders.archiveProject(request) }),
    ],
  });
  await prepare(databaseUrl);
  const first = await startReplica(peers, databaseUrl, { audit });
  const database = createPool({ url: databaseUrl, maxConnections: 2 });
  const replicas = new Set([first]);

  return {
    ...first,
    calculator,
    projects,
    postgres,
    databaseUrl,
    /** The service's database, without the service. */
    database,
    /** Starts another replica, which stops with the company at the latest. */
    async startReplica(url = databaseUrl, clocks: Clocks = {}) {
      const replica = await startReplica(peers, url, clocks);
      replicas.add(replica);
      const stop = async () => {
        if (replicas.delete(replica)) await replica.stop();
      };
      return { ...replica, stop };
    },
    async stop() {
      for (const replica of replicas) await replica.stop();
      await database.close();
      peers.close();
      await projects.stop();
      await postgres.stop();
    },
  };
}

/** The result of {@link startCompany}. */
export type Company = Awaited<ReturnType<typeof startCompany>>;

/** A company that starts before the tests of a file or a block, and stops after them. */
export function testCompany(...given: Parameters<typeof startCompany>): Company {
  const company = {} as Company;
  beforeAll(async () => void Object.assign(company, await startCompany(...given)));
  afterAll(() => company.stop());
  return company;
}

interface Clocks {
  readonly audit?: number | 'off';
  readonly clock?: Clock;
  readonly wallClock?: WallClock;
}

/** The clients of a caller with an identity, such as those that the process's middleware verifies. */
export function callersOf({ services, observers, middleware, outcomes }: Replica) {
  return (subject: string, ...scopes: readonly string[]) => {
    const principal = {
      subject,
      issuer: 'https://issuer.example.com',
      scopes,
      actors: ['spiffe://example.org/gateway'],
    };
    const identified: Middleware<ServerCall> = (call, next) => {
      call.values.set(callerIdentity, 'spiffe://example.org/gateway');
      call.values.set(callPrincipal, principal);
      return next(call);
    };
    return clientsOver(
      createTestChannel({
        ...patient,
        services,
        ...(outcomes && { outcomes }),
        middleware: [unhurried, ...observers, identified, ...middleware],
      }),
    );
  };
}

type Replica = ReturnType<typeof joinParts>;

/** Starts one replica of the service. */
async function startReplica(peers: Channel, databaseUrl: string, clocks: Clocks = {}) {
  const { clock = systemClock, wallClock = systemWallClock, audit = 'off' } = clocks;
  const context = { log: silentLogger, channel: peers, clock, wallClock, random: systemRandom };
  const app = createApp(context, { databaseUrl, audit });
  await startParts(app);
  const { parts = [] } = app;
  const channel = createTestChannel({
    ...patient,
    ...app,
    parts: [{ name: 'time', observers: [unhurried] }, ...parts],
  });
  return {
    ...clientsOver(channel),
    ...joinParts([...parts, app]),
    parts,
    async stop() {
      channel.close();
      await stopParts(app);
    },
  };
}

function clientsOver(channel: Channel) {
  return {
    channel,
    customers: createClient(CustomerServiceDefinition, { channel }),
    products: createClient(ProductServiceDefinition, { channel }),
    quotes: createClient(QuoteServiceDefinition, { channel }),
    orders: createClient(OrderServiceDefinition, { channel }),
    audit: createClient(AuditServiceDefinition, { channel }),
    jobs: createClient(JobServiceDefinition, { channel }),
    events: createClient(EventServiceDefinition, { channel }),
    transactions: createClient(CoordinatorServiceDefinition, { channel }),
  };
}

let count = 0;

/** Creates a customer with a unique e-mail address. Returns its name. */
export async function addCustomer({ customers }: Company): Promise<string> {
  count += 1;
  const { name } = await customers.createCustomer({
    customer: { displayName: `Customer ${count}`, email: `customer-${count}@example.com` },
  });
  return name;
}

/** Creates a product with a unique SKU. By default: 19.99 euros, ten in stock, an hour to deliver. */
export function addProduct(
  { products }: Company,
  fields: Partial<Pick<Product, 'title' | 'unitPrice' | 'stock' | 'deliveryEffortMinutes'>> = {},
): Promise<Product> {
  count += 1;
  const product = {
    title: `Product ${count}`,
    sku: `SKU-${count}`,
    unitPrice: euros(19n, 99),
    stock: 10n,
    deliveryEffortMinutes: 60n,
    ...fields,
  };
  return products.createProduct({ product });
}

/** Creates a quote with one line. */
export function addQuote(
  { quotes }: Company,
  customer: string,
  line: { product: string; quantity: bigint },
): Promise<Quote> {
  return quotes.createQuote({ quote: { customer, lines: [line] } });
}

/** The message of an amount in euros. */
export function euros(units: bigint, cents = 0): Money {
  return { currencyCode: 'EUR', units, nanos: cents * 10_000_000 };
}
