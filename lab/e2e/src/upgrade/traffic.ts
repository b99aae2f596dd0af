import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { CustomerServiceDefinition } from '@rondo/contracts/sales/v1/customers';
import { type Order, OrderServiceDefinition, type WatchOrdersResponse } from '@rondo/contracts/sales/v1/orders';
import { ProductServiceDefinition } from '@rondo/contracts/sales/v1/products';
import { QuoteServiceDefinition } from '@rondo/contracts/sales/v1/quotes';
import { eventually } from '@rondo/harness';
import { type CallOptions, createClient, createRegistryChannel } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { follow } from '../../../../e2e/src/watching.js';
import type { Fleet } from './fleet.js';

/** Orders change the stock: calls that sell different products don't wait for each other. */
const PRODUCTS = 20;
/** More than is sold here. */
const STOCK = 1_000_000n;
const QUANTITY = 2n;
const SELLERS = 3;
/** Eight callers, each of which calls at most every 25 ms: 320 calls a second, or what the machine can do. */
const [CALLERS, PAUSE_MS] = [8, 25];
const MAX_ATTEMPTS = 20;
/** No connection, or one that has ended. */
const GONE = ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'];
const SUM = '{"result":5}';
const ADD = { method: 'POST', body: '{"a":2,"b":3}', headers: { 'content-type': 'application/json' } };

/** What was sold: a quote that was accepted, or an order that was placed without one. */
export interface Sold {
  readonly order: string;
  readonly quantity: bigint;
  /** The project that delivers it; empty without a quote. */
  readonly project: string;
}

/** Calls of all services that go on until `stop`. */
export type Traffic = Awaited<ReturnType<typeof startTraffic>>;

type Clients = ReturnType<typeof createClients>;

function createClients(registry: string) {
  const channel = createRegistryChannel({ registry: [registry] });
  return {
    channel,
    calculator: createClient(CalculatorServiceDefinition, { channel }),
    customers: createClient(CustomerServiceDefinition, { channel }),
    products: createClient(ProductServiceDefinition, { channel }),
    quotes: createClient(QuoteServiceDefinition, { channel }),
    orders: createClient(OrderServiceDefinition, { channel }),
    projects: createClient(ProjectServiceDefinition, { channel }),
  };
}

/** What the calls did. */
class Book {
  readonly failures: string[] = [];
  readonly sold: Sold[] = [];
  /** The instances that have answered a call. */
  readonly served = new Set<string>();
  answered = 0;
  late = 0;
  readonly #beganAt = performance.now();
  readonly options: CallOptions = {
    onTrailer: (trailer) => void this.served.add(trailer.get('rondo-served-by') ?? ''),
  };

  /** The reply; undefined if the call has failed, which is noted. A call that is late is repeated. */
  async attempt<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const reply = await call();
        this.answered += 1;
        return reply;
      } catch (error) {
        const isLate = error instanceof RpcError && error.code === Status.DEADLINE_EXCEEDED;
        if (!isLate || attempt === MAX_ATTEMPTS) {
          this.failures.push(`${Math.round(performance.now() - this.#beganAt)} ms: ${what}: ${describe(error)}`);
          return undefined;
        }
        this.late += 1;
      }
    }
  }

  sell({ name, project }: Order): void {
    this.sold.push({ order: name, quantity: QUANTITY, project });
  }
}

const describe = (error: unknown) => `${error}${error instanceof RpcError ? '' : `, caused by ${Object(error).cause}`}`;

/** Stocks products, and begins to sell them, to call everything else, and to watch the orders. */
export async function startTraffic(fleet: Fleet) {
  const clients = createClients(fleet.registry);
  const { name: customer } = await eventually(() =>
    clients.customers.createCustomer({ customer: { displayName: 'Steady', email: `${randomUUID()}@example.com` } }),
  );
  const products = await Promise.all(Array.from({ length: PRODUCTS }, () => stock(clients)));
  const watching = await follow((signal) => clients.orders.watchOrders({ customer }, { signal }));
  const book = new Book();
  const over = new AbortController();
  const subjects = { customer, products, gateways: fleet.gateways, over: over.signal };
  const callers = startCallers(clients, book, subjects);
  const sellers = startSellers(clients, book, subjects);
  const isOf = (order: string, { event }: WatchOrdersResponse) =>
    event?.$case === 'orderChanged' && event.value.name === order;
  return {
    /** How many calls have been answered. */
    answered: () => book.answered,
    /** How many calls have exceeded the contract's deadline, which may be short for a busy machine, and were repeated. */
    late: () => book.late,
    sold: book.sold,
    /** What failed, with the time since the beginning. */
    failures: book.failures,
    /** The orders that a watch has reported as placed. */
    watched: () =>
      watching.received.flatMap(({ event }) =>
        event?.$case === 'orderChanged' && event.value.etag.startsWith('"1-') ? [event.value.name] : [],
      ),
    /** Waits until each of the instances has served a call, and each seller has sold again. */
    async untilServedBy(instances: readonly string[]) {
      const before = sellers.sales();
      await eventually(() => {
        const missing = instances.filter((instance) => !book.served.has(instance));
        if (missing.length > 0) throw new Error(`no call was served by ${missing.join(', ')}`);
        const idle = sellers.sales().some((count, seller) => count <= (before[seller] ?? 0));
        if (idle) throw new Error(`a seller sells nothing: ${book.failures.at(-1)}`);
      });
    },
    /** Ends the calls, and waits until the watch has reported every order. */
    async stop() {
      over.abort();
      await Promise.all([callers, sellers.selling]);
      for (const { order } of book.sold) await watching.until((event) => isOf(order, event));
      await watching.stop();
    },
    /** How many units the stock has less than at first. */
    async taken() {
      const left = await Promise.all(products.map((name) => clients.products.getProduct({ name })));
      return left.reduce((sum, product) => sum + STOCK - product.stock, 0n);
    },
    close() {
      // After a test that failed they still call. Calls by a closed channel end at once, and would leave no time for anything else.
      over.abort();
      clients.channel.close();
    },
  };
}

async function stock({ products }: Clients): Promise<string> {
  const unitPrice = { currencyCode: 'EUR', units: 10n };
  const product = { title: 'Kit', sku: randomUUID(), unitPrice, stock: STOCK, deliveryEffortMinutes: 1n };
  return (await products.createProduct({ product })).name;
}

/** What the calls are about. */
interface Subjects {
  readonly customer: string;
  readonly products: readonly string[];
  readonly gateways: readonly string[];
  /** Aborts when the calls shall end. */
  readonly over: AbortSignal;
}

/** Gives the lines of an order of one product after the other. */
function linesOf({ products }: Subjects) {
  let next = 0;
  return () => [{ product: products[next++ % products.length] ?? '', quantity: QUANTITY }];
}

/** What a call begins with, and keeps when it is repeated. */
interface Request {
  readonly requestId: string;
  readonly lines: ReturnType<ReturnType<typeof linesOf>>;
}

type Call = (request: Request) => Promise<unknown>;

/** Kinds of calls. */
function callsOf(clients: Clients, book: Book, subjects: Subjects): Readonly<Record<string, Call>> {
  const { calculator, customers, products, quotes, orders, projects } = clients;
  const { customer, gateways } = subjects;
  const { options } = book;
  const [name = ''] = subjects.products;
  return {
    add: () => calculator.add({ a: 2n, b: 3n }, options),
    getProduct: () => products.getProduct({ name }, options),
    viaGateway: () => callGateway(gateways),
    listOrders: () => orders.listOrders({ pageSize: 3 }, options),
    listProjects: () => projects.listProjects({ pageSize: 3 }, options),
    getCustomer: () => customers.getCustomer({ name: customer }, options),
    createQuote: ({ requestId, lines }) => quotes.createQuote({ quote: { customer, lines }, requestId }, options),
    subtract: () => calculator.subtract({ a: 2n, b: 3n }, options),
    createProject: ({ requestId }) =>
      projects.createProject({ project: { title: 'Own' }, tasks: [{ title: 'One' }], requestId }, options),
    listProducts: () => products.listProducts({ pageSize: 3 }, options),
  };
}

/** Calls of each kind in turn. Resolves when they are over. */
function startCallers(clients: Clients, book: Book, subjects: Subjects): Promise<unknown> {
  const kinds = Object.entries(callsOf(clients, book, subjects));
  const nextLines = linesOf(subjects);
  let made = 0;
  const work = async () => {
    while (!subjects.over.aborted) {
      const pause = sleep(PAUSE_MS);
      const [kind, call] = kinds[made++ % kinds.length] ?? ['', async () => undefined];
      const request = { requestId: randomUUID(), lines: nextLines() };
      await book.attempt(kind, () => call(request));
      await pause;
    }
  };
  return Promise.all(Array.from({ length: CALLERS }, work));
}

/** Journey 3, again and again: a quote is accepted, and its project exists. The next order is placed without a quote. */
function startSellers({ quotes, orders, projects }: Clients, book: Book, subjects: Subjects) {
  const { customer } = subjects;
  const { options } = book;
  const nextLines = linesOf(subjects);
  const sales = Array.from({ length: SELLERS }, () => 0);
  const sellOne = async (): Promise<boolean> => {
    const [quoteId, orderId] = [randomUUID(), randomUUID()];
    const [quote, order] = [
      { customer, lines: nextLines() },
      { customer, lines: nextLines() },
    ];
    const made = await book.attempt('createQuote', () => quotes.createQuote({ quote, requestId: quoteId }, options));
    if (made === undefined) return false;
    const accepted = await book.attempt('acceptQuote', () => quotes.acceptQuote({ name: made.name }, options));
    if (accepted?.order === undefined) return false;
    // Its project is named once project management has confirmed it.
    const { name } = accepted.order;
    const delivered = await eventually(async () => {
      const found = await book.attempt('getOrder', () => orders.getOrder({ name }, options));
      if (found?.project === '') throw new Error(`${name} has no project`);
      return found;
    });
    if (delivered === undefined) return false;
    book.sell(delivered);
    await book.attempt('getProject', () => projects.getProject({ name: delivered.project }, options));
    const placed = await book.attempt('placeOrder', () => orders.placeOrder({ order, requestId: orderId }, options));
    if (placed !== undefined) book.sell(placed);
    return placed !== undefined;
  };
  const selling = sales.map(async (_, seller) => {
    while (!subjects.over.aborted) {
      if (await sellOne()) sales[seller] = (sales[seller] ?? 0) + 1;
    }
  });
  return {
    /** How many quotes and orders each seller has sold. */
    sales: () => [...sales],
    selling: Promise.all(selling),
  };
}

/**
 * Adds by one gateway, and by another where none listens or the connection ends, as a load balancer does with a request that is safe
 * to repeat: HTTP/1.1 can't end an idle connection without meeting a request that is on its way.
 */
async function callGateway(gateways: readonly string[]): Promise<void> {
  let refused: unknown;
  for (const gateway of gateways) {
    try {
      const response = await fetch(`http://${gateway}/add`, ADD);
      const text = await response.text();
      if (text !== SUM) throw new Error(`${response.status}: ${text}`);
      return;
    } catch (error) {
      // The errors of `fetch` are of another realm than the classes of a test.
      if (!GONE.includes(Object(Object(error).cause).code)) throw error;
      refused = error;
    }
  }
  throw refused;
}
