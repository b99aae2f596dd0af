import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { RpcError } from '@rondo/rpc/status';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';
import { countDeadlocks, pileUp } from './locks.js';
import { refused } from './refused.js';

describe('AcceptQuote', () => {
  let company: Company;
  let customer: string;
  beforeAll(async () => {
    company = await startCompany();
    customer = await addCustomer(company);
  });
  afterAll(() => company.stop());
  beforeEach(() => {
    company.projects.failure = 'none';
    company.projects.requests.length = 0;
    company.projects.byRequestId.clear();
  });

  const accept = (name: string) => company.quotes.acceptQuote({ name });
  const stockOf = async (name: string) => (await company.products.getProduct({ name })).stock;
  const ordersOf = async (quote: string) =>
    (await company.orders.listOrders({ pageSize: 100 })).orders.filter((order) => order.quote === quote);

  async function quoteOf(product: string, quantity: bigint): Promise<string> {
    return (await addQuote(company, customer, { product, quantity })).name;
  }

  it('makes an order, takes the stock and creates the project that delivers it', async () => {
    const desk = await addProduct(company, { title: 'Desk', stock: 10n, deliveryEffortMinutes: 90n });
    const offered = await addQuote(company, customer, { product: desk.name, quantity: 4n });
    const { quote, order } = await accept(offered.name);

    expect(quote).toEqual({ ...offered, state: QuoteState.QUOTE_STATE_ACCEPTED, order: order?.name });
    expect(order).toMatchObject({
      quote: offered.name,
      customer,
      lines: [{ product: desk.name, quantity: 4n }],
      total: offered.total,
    });
    expect(order?.project).toMatch(/^projects\/./);
    expect(await stockOf(desk.name)).toBe(6n);

    const [request] = company.projects.requests;
    const { displayName } = await company.customers.getCustomer({ name: customer });
    expect(request?.project?.title).toBe(`Quote ${offered.name.slice('quotes/'.length)} for ${displayName}`);
    expect(request?.tasks).toMatchObject([{ title: '4 × Desk', effortMinutes: 360n }]);
    expect(request?.requestId).toMatch(/^[0-9a-f-]{36}$/);

    await expect(company.orders.getOrder({ name: order?.name ?? '' })).resolves.toEqual(order);
    await expect(company.quotes.getQuote({ name: offered.name })).resolves.toEqual(quote);
  });

  it('answers again as before, and does nothing more', async () => {
    const { name: product } = await addProduct(company);
    const quote = await quoteOf(product, 3n);
    const first = await accept(quote);
    await expect(accept(quote)).resolves.toEqual(first);
    expect(await stockOf(product)).toBe(7n);
    expect(company.projects.requests).toHaveLength(1);
  });

  it('ends in one order and one project, however many accept at once', async () => {
    const { name: product } = await addProduct(company);
    const quote = await quoteOf(product, 3n);
    const all = () => Promise.all(Array.from({ length: 8 }, () => accept(quote)));
    const replies = await pileUp(company.databaseUrl, 8n, all);
    for (const reply of replies) expect(reply).toEqual(replies[0]);
    expect(await ordersOf(quote)).toHaveLength(1);
    expect(company.projects.byRequestId.size).toBe(1);
    expect(await stockOf(product)).toBe(7n);
  });

  it('refuses where the stock is too small, names all that is short, and changes nothing', async () => {
    const scarce = await addProduct(company, { stock: 2n });
    const plenty = await addProduct(company, { stock: 10n });
    const lines = [
      { product: plenty.name, quantity: 1n },
      { product: scarce.name, quantity: 2n },
      { product: scarce.name, quantity: 1n },
    ];
    const { name } = await company.quotes.createQuote({ quote: { customer, lines } });
    await refused(accept(name), 'FAILED_PRECONDITION', `nothing was taken: ${scarce.name} has 2 where 3 are needed`);
    expect([await stockOf(plenty.name), await stockOf(scarce.name)]).toEqual([10n, 2n]);
    expect(await ordersOf(name)).toEqual([]);
    await expect(company.quotes.getQuote({ name })).resolves.toMatchObject({
      state: QuoteState.QUOTE_STATE_OPEN,
      order: '',
    });

    await company.products.adjustStock({ name: scarce.name, delta: 1n });
    await expect(accept(name)).resolves.toMatchObject({ quote: { state: QuoteState.QUOTE_STATE_ACCEPTED } });
  });

  it('says where there is no such quote', async () => {
    await refused(accept('quotes/none'), 'NOT_FOUND', "quotes/none doesn't exist; QuoteService/ListQuotes");
    await refused(accept('quotes/'), 'INVALID_ARGUMENT', 'name: must be of the pattern quotes/{quote}');
    await refused(company.orders.getOrder({ name: 'orders/none' }), 'NOT_FOUND', 'OrderService/ListOrders');
    await refused(company.orders.getOrder({ name: 'none' }), 'INVALID_ARGUMENT', 'orders/{order}');
    await refused(company.orders.listOrders({ pageSize: -1 }), 'INVALID_ARGUMENT', 'page_size');
  });

  describe.each(['before', 'after'] as const)(
    'when project management fails %s it has created the project',
    (failure) => {
      it('is ACCEPTING and says so; accepted again, there is one order and one project', async () => {
        const { name: product } = await addProduct(company);
        const quote = await quoteOf(product, 4n);
        company.projects.failure = failure;
        for (let attempt = 0; attempt < 2; attempt += 1) {
          await refused(accept(quote), 'UNAVAILABLE', `${quote} is ACCEPTING: its order stands`);
        }
        const [halfDone] = await ordersOf(quote);
        expect(halfDone?.project).toBe('');
        await expect(company.quotes.getQuote({ name: quote })).resolves.toMatchObject({
          state: QuoteState.QUOTE_STATE_ACCEPTING,
          order: halfDone?.name,
        });

        company.projects.failure = 'none';
        const { order } = await accept(quote);
        expect(await ordersOf(quote)).toEqual([order]);
        expect([...company.projects.byRequestId.values()].map(({ name }) => name)).toEqual([order?.project]);
        expect(await stockOf(product)).toBe(6n);
        expect(new Set(company.projects.requests.map((request) => JSON.stringify(request.tasks, stringify))).size).toBe(
          1,
        );
      });
    },
  );

  it('sells exactly what is there to fifty buyers at once', async () => {
    const { name: product } = await addProduct(company, { stock: 20n });
    const quotes = await Promise.all(Array.from({ length: 50 }, () => quoteOf(product, 1n)));
    const outcomes = await Promise.allSettled(quotes.map(accept));
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refusals.map((error) => error instanceof RpcError && error.codeName)).toEqual(
      Array(30).fill('FAILED_PRECONDITION'),
    );
    expect(await stockOf(product)).toBe(0n);
    expect(company.projects.byRequestId.size).toBe(20);
  });

  it('never deadlocks over products that quotes name in different orders', async () => {
    const a = await addProduct(company, { stock: 1000n });
    const b = await addProduct(company, { stock: 1000n });
    const quotes = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const lines = [a, b].map(({ name }) => ({ product: name, quantity: 5n }));
        if (index % 2 === 1) lines.reverse();
        return (await company.quotes.createQuote({ quote: { customer, lines } })).name;
      }),
    );
    await Promise.all(quotes.map(accept));
    expect([await stockOf(a.name), await stockOf(b.name)]).toEqual([800n, 800n]);
    await expect(countDeadlocks(company.databaseUrl)).resolves.toBe(0n);
  });

  it('lists orders, the newest first', async () => {
    const { name: product } = await addProduct(company);
    const older = (await accept(await quoteOf(product, 1n))).order;
    const newer = (await accept(await quoteOf(product, 1n))).order;
    const first = await company.orders.listOrders({ pageSize: 1 });
    const second = await company.orders.listOrders({ pageSize: 1, pageToken: first.nextPageToken });
    expect([...first.orders, ...second.orders]).toEqual([newer, older]);
  });
});

function stringify(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
