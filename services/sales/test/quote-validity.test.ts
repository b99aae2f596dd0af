import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DateMessage } from '@rondo/contracts/google/type/date';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { addCustomer, addProduct, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

/** Noon of this day in UTC. */
const NOW = new Date('2026-06-15T12:00:00Z');
const day = (date: number): DateMessage => ({ year: 2026, month: 6, day: date });

let company: Company;
let replica: Awaited<ReturnType<Company['startReplica']>>;
let customer: string;
let product: string;

beforeAll(async () => {
  company = await startCompany();
  customer = await addCustomer(company);
  ({ name: product } = await addProduct(company));
  replica = await company.startReplica(undefined, { wallClock: { now: () => NOW } });
});
afterAll(async () => {
  await replica.stop();
  await company.stop();
});

const create = (validUntilDate: DateMessage | undefined, quoteDate = day(1)) =>
  replica.quotes.createQuote({ quote: { customer, lines: [{ product, quantity: 1n }], quoteDate, validUntilDate } });

describe('a quote that is valid until a day', () => {
  it.each([
    ['without such a day', undefined, undefined],
    ['on the last day', day(15), undefined],
    ['on the last day west of Greenwich, where it is still yesterday', day(14), day(14)],
  ])('can be accepted %s', async (_when, validUntilDate, orderDate) => {
    const quote = await create(validUntilDate);
    expect(quote.validUntilDate).toEqual(validUntilDate);
    const { order } = await replica.quotes.acceptQuote({ name: quote.name, orderDate });
    expect(order?.quote).toBe(quote.name);
  });

  it.each([
    ['after the last day', day(14), undefined],
    ['with an order of a later day', day(15), day(16)],
    ['by an order of an earlier day, once the last day is over everywhere', day(13), day(12)],
  ])('can not be accepted %s; nothing is done', async (_when, validUntilDate, orderDate) => {
    const { name } = await create(validUntilDate);
    const stock = (await replica.products.getProduct({ name: product })).stock;
    const accepting = replica.quotes.acceptQuote({ name, orderDate });
    await refused(accepting, 'FAILED_PRECONDITION', `${name} was valid until 2026-06-${validUntilDate.day}; extend it`);
    expect((await replica.quotes.getQuote({ name })).state).toBe(QuoteState.QUOTE_STATE_OPEN);
    expect((await replica.products.getProduct({ name: product })).stock).toBe(stock);
  });

  it('can be extended, and stays accepted after its last day', async () => {
    const { name, etag } = await create(day(13));
    const extended = await replica.quotes.updateQuote({ quote: { name, validUntilDate: day(15) } });
    expect(extended.validUntilDate).toEqual(day(15));
    expect(extended.etag).not.toBe(etag);
    await replica.quotes.acceptQuote({ name });
    await company.quotes.acceptQuote({ name }); // years later, by this replica's clock
    const { name: other } = await create(day(13));
    const cleared = await replica.quotes.updateQuote({ quote: { name: other }, updateMask: ['valid_until_date'] });
    expect(cleared.validUntilDate).toBeUndefined();
  });

  it('is not valid before its first day', async () => {
    const { fields } = await refused(create(day(1), day(2)), 'INVALID_ARGUMENT', 'must not be before quote_date');
    expect(fields).toEqual(['quote.valid_until_date']);
    const { name } = await create(day(3));
    const update = replica.quotes.updateQuote({ quote: { name, quoteDate: day(4) } });
    await refused(update, 'INVALID_ARGUMENT', 'quote.valid_until_date');
  });
});
