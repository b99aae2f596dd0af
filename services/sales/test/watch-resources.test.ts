import { beforeAll, expect, it } from '@jest/globals';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { eventually } from '@rondo/database/testing';
import { addCustomer, addProduct, addQuote, type Company, testCompany } from './company.js';
import { refused } from './refused.js';
import { BUYER, DESK, PARTIES, type Resource, reading } from './watched.js';

const company = testCompany();
let replica: Awaited<ReturnType<Company['startReplica']>>;
beforeAll(async () => {
  replica = await company.startReplica();
  await company.database.transaction((transaction) => transaction.script(PARTIES));
});

/** Resolves when all changes have left the outbox. */
const relayed = () =>
  eventually(
    'the changes are relayed',
    async () => (await company.database.query('SELECT FROM sync_outbox')).length === 0,
  );

const named = (items: readonly Resource[]) => items.map(({ name }) => name);

it('a watch of products has each product of an order, and resumes between them', async () => {
  const added = [await addProduct(company), await addProduct(company), await addProduct(company)];
  const inOrder = named(added).toSorted();
  const lines = inOrder.map((product) => ({ product, quantity: 1n }));
  const watch = reading(company.products.watchProducts({ fromNow: true }));
  await watch.snapshot();
  const entries = () => company.database.one<{ last: bigint }>('SELECT max(outbox_id) AS last FROM sync_changes');
  await relayed();
  const { last: before } = await entries();
  await company.orders.placeOrder({ order: { customer: BUYER, lines } });
  const seen = [await watch.changed()];
  // The order has one entry of its own, and one for all of its products.
  expect((await entries()).last - before).toBe(2n);
  let resumeToken = watch.token();
  await watch.end();
  for (const at of [replica, company]) {
    const resumed = reading(at.products.watchProducts({ resumeToken, fromNow: true }));
    seen.push(await resumed.changed());
    resumeToken = resumed.token();
    await resumed.end();
  }
  expect(named(seen).toSorted()).toEqual(inOrder);
  for (const product of seen) expect(product).toMatchObject({ stock: 9n });
  const resumed = reading(company.products.watchProducts({ resumeToken, fromNow: true }));
  const next = await company.products.adjustStock({ name: inOrder[0] ?? '', delta: 1n });
  expect(await resumed.changed()).toEqual(next);
  await resumed.end();
});

it('a watch of quotes has each state of a quote, and may be of one customer', async () => {
  const other = await company.customers.createCustomer({ customer: { displayName: 'O', email: 'o@example.com' } });
  const lines = [{ product: DESK, quantity: 1n }];
  const quote = await company.quotes.createQuote({ quote: { customer: other.name, lines } });
  const watch = reading(company.quotes.watchQuotes({ customer: other.name }));
  expect(await watch.snapshot()).toEqual([quote]);
  await addQuote(company, BUYER, { product: DESK, quantity: 1n });
  const { order } = await company.quotes.acceptQuote({ name: quote.name });
  const states = [await watch.changed(), await watch.changed()];
  expect(states).toMatchObject([
    { name: quote.name, state: QuoteState.QUOTE_STATE_ACCEPTING, order: order?.name },
    { name: quote.name, state: QuoteState.QUOTE_STATE_ACCEPTED, order: order?.name },
  ]);
  expect(states[1]).toEqual(await company.quotes.getQuote({ name: quote.name }));
  await watch.end();
  await refused(
    reading(company.quotes.watchQuotes({ resumeToken: watch.token() })).next(),
    'INVALID_ARGUMENT',
    'resume_token',
  );
});

it('a watch tells a handover to those who see all customers once, as a change of the customer', async () => {
  const name = await addCustomer(company);
  const quote = await company.quotes.createQuote({
    quote: { customer: name, lines: [{ product: DESK, quantity: 1n }] },
  });
  const watch = reading(company.customers.watchCustomers({ fromNow: true }));
  const watchOfQuotes = reading(company.quotes.watchQuotes({ fromNow: true }));
  await Promise.all([watch.snapshot(), watchOfQuotes.snapshot()]);
  const given = await company.customers.updateCustomer({ customer: { name, salesperson: 'ada' } });
  expect(await watch.changed()).toEqual(given);
  const deleted = await company.quotes.deleteQuote({ name: quote.name });
  expect(await watchOfQuotes.changed()).toEqual(deleted);
  await Promise.all([watch.end(), watchOfQuotes.end()]);
});
