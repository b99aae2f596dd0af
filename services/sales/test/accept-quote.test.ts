import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import type { Database } from '@rondo/database';
import { eventually, waitingForLocks } from '@rondo/database/testing';
import { SettableWallClock } from '@rondo/rpc/testing';
import { addCustomer, addProduct, addQuote, testCompany } from './company.js';
import { pileUp, unlocked } from './locks.js';
import { refused } from './refused.js';

const DAY_MS = 86_400_000;

describe('AcceptQuote', () => {
  const company = testCompany();
  let customer: string;
  beforeAll(async () => {
    customer = await addCustomer(company);
  });
  beforeEach(() => {
    company.projects.failure = 'none';
    company.projects.calls.length = 0;
  });

  const accept = (name: string) => company.quotes.acceptQuote({ name });
  const stockOf = async (name: string) => (await company.products.getProduct({ name })).stock;
  const ordersOf = async (quote: string) =>
    (await company.orders.listOrders({ pageSize: 100 })).orders.filter((order) => order.quote === quote);

  const stateOf = async (name: string) => (await company.quotes.getQuote({ name })).state;
  const projectsOf = async (quote: string) =>
    (await company.projects.projects()).filter(({ id }) => id === idOf(quote));

  async function quoteOf(product: string, quantity: bigint): Promise<string> {
    return (await addQuote(company, customer, { product, quantity })).name;
  }

  it('of a quote whose order was cancelled is refused', async () => {
    const { name: product } = await addProduct(company);
    const { name } = await addQuote(company, await addCustomer(company), { product, quantity: 1n });
    const { order } = await company.quotes.acceptQuote({ name });
    // The reply comes with the decision. On a busy machine the quote may get its last state afterwards.
    await eventually('the quote is ACCEPTED', async () => (await stateOf(name)) === QuoteState.QUOTE_STATE_ACCEPTED);
    await company.orders.cancelOrder({ name: order?.name ?? '' });
    await refused(accept(name), 'FAILED_PRECONDITION', `${order?.name} has been cancelled since; create another quote`);
  });

  it('makes an order, takes the stock and creates the project that delivers it', async () => {
    const desk = await addProduct(company, { title: 'Desk', stock: 10n, deliveryEffortMinutes: 90n });
    const offered = await addQuote(company, customer, { product: desk.name, quantity: 4n });
    const { quote, order } = await accept(offered.name);

    expect(quote).toEqual({
      ...offered,
      state: QuoteState.QUOTE_STATE_ACCEPTED,
      order: order?.name,
      updateTime: order?.createTime,
      etag: quote?.etag,
    });
    expect(quote?.etag).not.toBe(offered.etag);
    expect(order).toMatchObject({
      quote: offered.name,
      customer,
      lines: [{ product: desk.name, quantity: 4n }],
      total: offered.total,
    });
    expect(order?.project).toBe(projectOf(offered.name));
    expect(company.projects.links.at(-1)).toEqual({ quote: offered.name, order: order?.name });
    expect(await stockOf(desk.name)).toBe(6n);

    const { displayName } = await company.customers.getCustomer({ name: customer });
    expect(await projectsOf(offered.name)).toMatchObject([
      { title: `Quote ${idOf(offered.name)} for ${displayName}`, efforts: [360n] },
    ]);

    await expect(company.orders.getOrder({ name: order?.name ?? '' })).resolves.toEqual(order);
    await expect(company.quotes.getQuote({ name: offered.name })).resolves.toEqual(quote);
  });

  it('works by the clock of the service, which may be days ahead of that of the database', async () => {
    const { name: product } = await addProduct(company);
    const wallClock = new SettableWallClock();
    wallClock.set(new Date(Date.now() + 3 * DAY_MS));
    const { quotes, stop } = await company.startReplica(undefined, { wallClock });
    const offered = await quotes.createQuote({ quote: { customer, lines: [{ product, quantity: 1n }] } });
    const { quoteDate } = offered;
    // A day on which the database's clock is not yet.
    await quotes.updateQuote({ quote: { name: offered.name, quoteDate }, updateMask: ['quote_date'] });
    const { order } = await quotes.acceptQuote({ name: offered.name });
    expect(order?.orderDate).toEqual(quoteDate);
    await stop();
  });

  it('returns the same response again, and does nothing more', async () => {
    const { name: product } = await addProduct(company);
    const quote = await quoteOf(product, 3n);
    const first = await accept(quote);
    await expect(accept(quote)).resolves.toEqual(first);
    expect(await stockOf(product)).toBe(7n);
    expect(company.projects.calls).toEqual(['prepare', 'commit']);
  });

  it('makes one order and one project for concurrent calls, of which four prepare at once', async () => {
    const { name: product } = await addProduct(company);
    const quote = await quoteOf(product, 3n);
    Object.assign(company.projects, { together: 4, mostAtOnce: 0 });
    const all = () => Promise.all(Array.from({ length: 8 }, () => accept(quote)));
    // The first call waits for the lock of the product, the others wait at project management for the first to end.
    const replies = await pileUp(company, 1, all);
    // The other calls wait for a permit, before their timeout starts.
    expect(company.projects.mostAtOnce).toBe(4);
    for (const { quote: accepted, order } of replies) {
      expect([accepted?.name, order?.name]).toEqual([quote, replies[0]?.order?.name]);
    }
    expect(await ordersOf(quote)).toHaveLength(1);
    expect(await projectsOf(quote)).toHaveLength(1);
    expect(await stockOf(product)).toBe(7n);
  });

  it('refuses if the stock is too small, names all short products, and changes nothing', async () => {
    const scarce = await addProduct(company, { stock: 2n });
    const plenty = await addProduct(company, { stock: 10n });
    const lines = [
      { product: plenty.name, quantity: 1n },
      { product: scarce.name, quantity: 2n },
      { product: scarce.name, quantity: 1n },
    ];
    const { name } = await company.quotes.createQuote({ quote: { customer, lines } });
    await refused(
      accept(name),
      'FAILED_PRECONDITION',
      `nothing was taken: ${scarce.name} has 2 in stock, but 3 are needed`,
    );
    expect(company.projects.calls).toEqual([]);
    expect([await stockOf(plenty.name), await stockOf(scarce.name)]).toEqual([10n, 2n]);
    expect(await ordersOf(name)).toEqual([]);
    await expect(company.quotes.getQuote({ name })).resolves.toMatchObject({
      state: QuoteState.QUOTE_STATE_OPEN,
      order: '',
    });

    await company.products.adjustStock({ name: scarce.name, delta: 1n });
    await expect(accept(name)).resolves.toMatchObject({ quote: { state: QuoteState.QUOTE_STATE_ACCEPTED } });
  });

  it('reports an unknown quote or order', async () => {
    await refused(accept('quotes/none'), 'NOT_FOUND', "quotes/none doesn't exist; QuoteService/ListQuotes");
    await refused(accept('quotes/'), 'INVALID_ARGUMENT', 'name: must match the pattern `^quotes/');
    await refused(company.orders.getOrder({ name: 'orders/none' }), 'NOT_FOUND', 'OrderService/ListOrders');
    await refused(company.orders.getOrder({ name: 'none' }), 'INVALID_ARGUMENT', '`^orders/');
    await refused(company.orders.listOrders({ pageSize: -1 }), 'INVALID_ARGUMENT', 'page_size');
  });

  describe('if project management fails', () => {
    it('with a version that has no distributed transactions yet, is UNAVAILABLE until it is upgraded', async () => {
      const { name: product } = await addProduct(company);
      const quote = await quoteOf(product, 4n);
      company.projects.failure = 'old';
      await refused(
        accept(quote),
        'UNAVAILABLE',
        'project management is unavailable, try again later: there is no such method',
      );
      company.projects.failure = 'none';
      await expect(accept(quote)).resolves.toMatchObject({ quote: { state: QuoteState.QUOTE_STATE_ACCEPTED } });
    });

    it('because it can not be reached, is UNAVAILABLE soon and does nothing; later it succeeds', async () => {
      const { name: product } = await addProduct(company);
      const quote = await quoteOf(product, 4n);
      company.projects.failure = 'away';
      await refused(accept(quote), 'UNAVAILABLE', 'project management is unavailable, try again later');
      expect(await stateOf(quote)).toBe(QuoteState.QUOTE_STATE_OPEN);
      expect([await stockOf(product), await ordersOf(quote)]).toEqual([10n, []]);
      company.projects.failure = 'none';
      await expect(accept(quote)).resolves.toMatchObject({ order: { project: projectOf(quote) } });
    });

    it.each(['prepare', 'prepared'] as const)('for a moment (%s), retries without an error', async (failure) => {
      const { name: product } = await addProduct(company);
      const quote = await quoteOf(product, 4n);
      company.projects.failure = failure;
      const accepting = accept(quote);
      await eventually('the first attempt has begun', () => company.projects.calls.includes('prepare'));
      company.projects.failure = 'none';
      await expect(accepting).resolves.toMatchObject({ order: { project: projectOf(quote) } });
      expect(await stockOf(product)).toBe(6n);
      expect(await projectsOf(quote)).toHaveLength(1);
      await eventually('nothing is left prepared', async () => (await company.projects.prepared()) === 0);
    });

    it.each(['commit', 'committed'] as const)(
      'after the decision (%s), is ACCEPTING, and becomes ACCEPTED without a call',
      async (failure) => {
        const { name: product } = await addProduct(company);
        const quote = await quoteOf(product, 4n);
        company.projects.failure = failure;
        const { quote: accepting, order } = await accept(quote);
        expect(accepting).toMatchObject({ state: QuoteState.QUOTE_STATE_ACCEPTING, order: order?.name });
        expect(order?.project).toBe('');
        expect(await stockOf(product)).toBe(6n);
        await expect(accept(quote)).resolves.toEqual({ quote: accepting, order });
        const { error } = await refused(
          company.orders.cancelOrder({ name: order?.name ?? '' }),
          'FAILED_PRECONDITION',
          `${quote} is ACCEPTING`,
        );
        expect(error.detail(PreconditionFailure)?.violations).toMatchObject([{ type: 'STATE', subject: quote }]);

        company.projects.failure = 'none';
        await eventually(
          'the quote is ACCEPTED',
          async () => (await stateOf(quote)) === QuoteState.QUOTE_STATE_ACCEPTED,
        );
        const [accepted] = await ordersOf(quote);
        expect(accepted).toMatchObject({ name: order?.name, project: projectOf(quote) });
        await refused(
          company.orders.cancelOrder({ name: order?.name ?? '', etag: order?.etag ?? '' }),
          'ABORTED',
          'has changed since its etag was read: project',
        );
        expect(await stockOf(product)).toBe(6n);
        expect(await projectsOf(quote)).toHaveLength(1);
      },
    );

    it('by refusing, passes its message on, does nothing and leaves nothing prepared', async () => {
      const { name: product } = await addProduct(company, { deliveryEffortMinutes: 1000n, stock: 9000n });
      const quote = await quoteOf(product, 9000n);
      await company.projects.database.query('UPDATE capacity SET minutes = 5');
      await refused(accept(quote), 'FAILED_PRECONDITION', `${quote} can't be delivered, and nothing was done: 8999995`);
      await company.projects.database.query('UPDATE capacity SET minutes = 1000000000');
      expect(await stateOf(quote)).toBe(QuoteState.QUOTE_STATE_OPEN);
      expect([await stockOf(product), await projectsOf(quote), await company.projects.prepared()]).toEqual([
        9000n,
        [],
        0,
      ]);
    });
  });

  it('sells the changed quote, if it changes while project management prepares', async () => {
    const { name: product } = await addProduct(company);
    const { name, customer: of } = await addQuote(company, customer, { product, quantity: 4n });
    const { database } = company.projects;
    const { accepting } = await database.transaction(async (holder) => {
      await holder.query('SELECT FROM capacity FOR UPDATE');
      // The promise is wrapped in an object, as it would otherwise be awaited while the lock is held.
      const begun = accept(name);
      await eventually('project management is preparing', async () => (await waitingForLocks(database)) > 0);
      await company.quotes.updateQuote({ quote: { name, lines: [{ product, quantity: 3n }] }, updateMask: ['lines'] });
      return { accepting: begun };
    });
    expect((await accepting).order).toMatchObject({ customer: of, lines: [{ product, quantity: 3n }] });
    expect(await projectsOf(name)).toMatchObject([{ efforts: [180n] }]);
    expect(await stockOf(product)).toBe(7n);
  });

  it('refuses if the stock has shrunk while project management prepared, and leaves nothing there', async () => {
    const { name: product } = await addProduct(company, { stock: 4n });
    const quote = await quoteOf(product, 4n);
    const outcome = await pileUp(
      { ...company, change: (holder) => holder.query('UPDATE products SET stock = 3 WHERE id = $1', [idOf(product)]) },
      1,
      () => Promise.allSettled([accept(quote)]),
    );
    expect(outcome).toMatchObject([{ status: 'rejected', reason: { codeName: 'FAILED_PRECONDITION' } }]);
    expect(await projectsOf(quote)).toEqual([]);
    await eventually('nothing is left prepared', async () => (await company.projects.prepared()) === 0);
    expect(await ordersOf(quote)).toEqual([]);
  });

  it('locks products in the order of their ids, whatever the order of its lines, so that quotes never deadlock', async () => {
    const stocked = await Promise.all(Array.from({ length: 3 }, () => addProduct(company)));
    const names = stocked.map(({ name }) => name).toSorted();
    const [first = '', second = '', third = ''] = names;
    const lines = [third, first, second].map((product) => ({ product, quantity: 1n }));
    const { name } = await company.quotes.createQuote({ quote: { customer, lines } });
    let free: readonly string[] = [];
    const look = async (observer: Database) => {
      free = await unlocked(observer, names);
    };
    await pileUp({ ...company, product: second, look }, 1, () => accept(name));
    expect(free).toEqual([third]); // it has locked the first and waits for the second
  });
});

const idOf = (name: string): string => name.split('/')[1] ?? '';

/** The project has the id of its quote. */
const projectOf = (quote: string): string => `projects/${idOf(quote)}`;
