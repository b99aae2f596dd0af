import { beforeAll, describe, expect, it } from '@jest/globals';
import { addProduct, callersOf, testCompany } from './company.js';
import { refused } from './refused.js';
import { type Resource, reading } from './watched.js';

const RIGHTS = ['sales.read', 'sales.write'] as const;

describe('what a salesperson sees', () => {
  const company = testCompany();
  let ada: ReturnType<ReturnType<typeof callersOf>>;
  let bob: typeof ada;
  let admin: typeof ada;
  let product: string;
  const lines = () => [{ product, quantity: 1n }];
  const start = { count: 0 };

  beforeAll(async () => {
    const as = callersOf(company);
    [ada, bob, admin] = [as('ada', ...RIGHTS), as('bob', ...RIGHTS), as('root', ...RIGHTS, 'sales.admin')];
    ({ name: product } = await addProduct(company, { stock: 10_000n }));
  });

  async function adasCustomer() {
    start.count += 1;
    const email = `buyer-${start.count}@example.com`;
    const customer = await ada.customers.createCustomer({ customer: { displayName: 'Buyer', email } });
    const quote = await ada.quotes.createQuote({ quote: { customer: customer.name, lines: lines() } });
    const order = await ada.orders.placeOrder({ order: { customer: customer.name, lines: lines() } });
    return { customer, quote, order };
  }

  it('creates customers of the caller, whose quotes and orders only the caller and administrators see', async () => {
    const { customer, quote, order } = await adasCustomer();
    expect(customer.salesperson).toBe('ada');
    for (const clients of [ada, admin, company]) {
      expect(await clients.customers.getCustomer({ name: customer.name })).toEqual(customer);
      expect(await clients.quotes.getQuote({ name: quote.name })).toEqual(quote);
      expect(await clients.orders.getOrder({ name: order.name })).toEqual(order);
    }
  });

  it('refuses each call that names what is out of sight as if it did not exist', async () => {
    const { customer, quote, order } = await adasCustomer();
    type Call = (names: { customer: string; quote: string; order: string }) => Promise<unknown>;
    const calls: readonly Call[] = [
      (names) => bob.customers.getCustomer({ name: names.customer }),
      (names) => bob.customers.updateCustomer({ customer: { name: names.customer, displayName: 'Mine' } }),
      (names) => bob.customers.updateCustomer({ customer: { name: names.customer, salesperson: 'bob' } }),
      (names) => bob.customers.updateCustomer({ customer: { name: names.customer, displayName: 'a', etag: '"x"' } }),
      (names) => bob.customers.deleteCustomer({ name: names.customer }),
      (names) => bob.customers.undeleteCustomer({ name: names.customer }),
      (names) => bob.quotes.createQuote({ quote: { customer: names.customer, lines: lines() } }),
      (names) => bob.orders.placeOrder({ order: { customer: names.customer, lines: lines() } }),
      (names) => bob.quotes.getQuote({ name: names.quote }),
      (names) => bob.quotes.updateQuote({ quote: { name: names.quote, lines: lines() } }),
      (names) => bob.quotes.deleteQuote({ name: names.quote }),
      (names) => bob.quotes.undeleteQuote({ name: names.quote }),
      (names) => bob.quotes.acceptQuote({ name: names.quote }),
      (names) => bob.orders.getOrder({ name: names.order }),
      (names) => bob.orders.cancelOrder({ name: names.order }),
    ];
    const foreign = { customer: customer.name, quote: quote.name, order: order.name };
    const missing = { customer: 'customers/none', quote: 'quotes/none', order: 'orders/none' };
    for (const call of calls) {
      const { error } = await refused(call(foreign), 'NOT_FOUND');
      const { error: same } = await refused(call(missing), 'NOT_FOUND');
      const id = /(customers|quotes|orders)\/\w+/g;
      expect(error.message.replace(id, '$1/none')).toBe(same.message);
      expect(error.details.map(({ typeUrl }) => typeUrl)).toEqual(same.details.map(({ typeUrl }) => typeUrl));
    }
    expect(await ada.customers.getCustomer({ name: customer.name })).toEqual(customer);
    expect(await ada.orders.getOrder({ name: order.name })).toEqual(order);
  });

  it('is refused alike for an invalid request to what is hidden and to what does not exist', async () => {
    const { customer } = await adasCustomer();
    for (const name of [customer.name, 'customers/none']) {
      const call = bob.customers.updateCustomer({ customer: { name, email: 'no address' } });
      await refused(call, 'INVALID_ARGUMENT', 'customer.email');
    }
  });

  it('is all that lists have, with any filter; a filter by what is hidden finds nothing', async () => {
    const { customer, quote, order } = await adasCustomer();
    const mine = await bob.customers.createCustomer({
      customer: { displayName: 'Buyer', email: 'of-bob@example.com' },
    });
    for (const filter of [
      '',
      'display_name = "Buyer"',
      'salesperson = "bob"',
      'create_time > "2020-01-01T00:00:00Z"',
    ]) {
      const { customers } = await bob.customers.listCustomers({ filter, showDeleted: true });
      expect(customers).toEqual([mine]);
      const sorted = await bob.customers.listCustomers({ filter, showDeleted: true, orderBy: 'display_name desc' });
      expect(sorted).toEqual({ customers: [mine], nextPageToken: '' });
    }
    expect((await bob.customers.listCustomers({ filter: 'salesperson = "ada"' })).customers).toEqual([]);
    expect((await bob.customers.listCustomers({ filter: `email = "${customer.email}"` })).customers).toEqual([]);
    const filter = `customer = "${customer.name}"`;
    expect(await bob.quotes.listQuotes({ filter })).toEqual({ quotes: [], nextPageToken: '' });
    expect(await bob.orders.listOrders({ filter })).toEqual({ orders: [], nextPageToken: '' });
    expect(await bob.orders.listOrders({ filter: 'state = PLACED' })).toEqual({ orders: [], nextPageToken: '' });
    expect(await bob.orders.listOrders({ orderBy: 'order_date' })).toEqual({ orders: [], nextPageToken: '' });
    expect(await bob.quotes.listQuotes({ orderBy: 'create_time' })).toEqual({ quotes: [], nextPageToken: '' });
    expect((await ada.quotes.listQuotes({ filter })).quotes).toEqual([quote]);
    expect((await ada.orders.listOrders({ filter })).orders).toEqual([order]);
  });

  it('is handed over by administrators only, with its quotes and orders', async () => {
    const { customer, quote, order } = await adasCustomer();
    const { name } = customer;
    const handOver = { customer: { name, salesperson: 'bob' }, updateMask: ['salesperson'] };
    for (const updateMask of [['salesperson'], ['*'], []]) {
      const change = { ...customer, salesperson: 'bob' };
      await refused(ada.customers.updateCustomer({ customer: change, updateMask }), 'PERMISSION_DENIED', 'sales.admin');
    }
    const forBob = { displayName: 'Buyer', email: 'for-bob@example.com', salesperson: 'bob' };
    await refused(ada.customers.createCustomer({ customer: forBob }), 'PERMISSION_DENIED', 'sales.admin');

    await admin.customers.updateCustomer(handOver);
    await refused(ada.customers.getCustomer({ name }), 'NOT_FOUND');
    await refused(ada.quotes.getQuote({ name: quote.name }), 'NOT_FOUND');
    await refused(ada.orders.getOrder({ name: order.name }), 'NOT_FOUND');
    expect((await bob.quotes.getQuote({ name: quote.name })).name).toBe(quote.name);
    expect((await bob.orders.getOrder({ name: order.name })).name).toBe(order.name);
    const { orders } = await bob.orders.listOrders({ filter: `customer = "${name}"` });
    expect(orders.map((one) => one.name)).toEqual([order.name]);
  });
});

/** What a salesperson watches: how it is made for a customer, watched, and changed. */
const WATCHED = {
  customers: {
    watch: ({ customers }: Callers, resumeToken: string) => customers.watchCustomers({ resumeToken }),
    make: ({ customers }: Callers, { customer: name }: Parties): Promise<Resource> => customers.getCustomer({ name }),
    change: ({ customers }: Callers, name: string): Promise<Resource> =>
      customers.updateCustomer({ customer: { name, displayName: 'Changed' } }),
  },
  quotes: {
    watch: ({ quotes }: Callers, resumeToken: string) => quotes.watchQuotes({ resumeToken }),
    make: ({ quotes }: Callers, { customer, product }: Parties): Promise<Resource> =>
      quotes.createQuote({ quote: { customer, lines: [{ product, quantity: 1n }] } }),
    change: ({ quotes }: Callers, name: string): Promise<Resource> =>
      quotes.updateQuote({ quote: { name, taxPercent: { value: '7' } } }),
  },
  orders: {
    watch: ({ orders }: Callers, resumeToken: string) => orders.watchOrders({ resumeToken }),
    make: ({ orders }: Callers, { customer, product }: Parties): Promise<Resource> =>
      orders.placeOrder({ order: { customer, lines: [{ product, quantity: 1n }] } }),
    change: ({ orders }: Callers, name: string): Promise<Resource> => orders.cancelOrder({ name }),
  },
};
type Callers = ReturnType<ReturnType<typeof callersOf>>;
interface Parties {
  readonly customer: string;
  readonly product: string;
}

describe.each(Object.entries(WATCHED))(
  'a watch of a salesperson of %s',
  (_kind, { watch: open, make: makeFor, change }) => {
    const company = testCompany();
    let as: ReturnType<typeof callersOf>;
    let product: string;
    beforeAll(async () => {
      as = callersOf(company);
      ({ name: product } = await addProduct(company));
    });

    const names = (items: readonly Resource[]) => items.map(({ name }) => name);

    it('has only what is theirs, and begins again when a customer is handed over', async () => {
      const [ada, bob, admin] = [as('ada', ...RIGHTS), as('bob', ...RIGHTS), as('root', ...RIGHTS, 'sales.admin')];
      const watch = (of: Callers, resumeToken = '') => reading(open(of, resumeToken));
      const make = async (of: Callers, email: string) => {
        const { name: customer } = await of.customers.createCustomer({ customer: { displayName: 'Buyer', email } });
        return { customer, made: await makeFor(of, { customer, product }) };
      };
      const give = (customer: string, salesperson: string) =>
        admin.customers.updateCustomer({ customer: { name: customer, salesperson }, updateMask: ['salesperson'] });

      const adas = await make(ada, 'a@example.com');
      const [bobs, alls] = [watch(bob), watch(admin)];
      expect(await bobs.snapshot()).toEqual([]);
      expect(names(await alls.snapshot())).toEqual([adas.made.name]);
      const adasWatch = watch(ada);
      expect(await adasWatch.snapshot()).toEqual([adas.made]);
      await make(ada, 'a2@example.com');
      const own = await make(bob, 'b@example.com');
      expect(await bobs.changed()).toEqual(own.made);
      const token = bobs.token();
      for (const other of [ada, admin, company])
        await refused(watch(other, token).next(), 'INVALID_ARGUMENT', 'resume_token');
      await adasWatch.changed();

      await give(adas.customer, 'bob');
      expect(names(await bobs.snapshot())).toEqual([adas.made.name, own.made.name]);
      expect(names(await adasWatch.snapshot())).not.toContain(adas.made.name);
      const changed = await change(bob, adas.made.name);
      expect(await bobs.changed()).toEqual(changed);
      await give(adas.customer, 'ada');
      expect(names(await bobs.snapshot())).toEqual([own.made.name]);
      expect(names(await adasWatch.snapshot())).toContain(adas.made.name);

      // A watch that was away during the handovers resumes with a snapshot too.
      const away = watch(bob, token);
      const seen = await away.next();
      expect('items' in seen && [seen.first, names(seen.items)]).toEqual([true, [own.made.name]]);
      await Promise.all([bobs, alls, adasWatch, away].map((one) => one.end()));
    });
  },
);
