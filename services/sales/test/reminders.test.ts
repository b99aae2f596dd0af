import { beforeAll, expect, it } from '@jest/globals';
import type { DateMessage } from '@rondo/contracts/google/type/date';
import { eventually } from '@rondo/database/testing';
import { addCustomer, addProduct, type Company, testCompany } from './company.js';

/** By the replica's clock. The database's is earlier, so that no reminder is due. */
const NOW = new Date('2096-06-15T12:00:00Z');
const day = (date: number): DateMessage => ({ year: 2096, month: 6, day: date });

const company = testCompany();
let replica: Awaited<ReturnType<Company['startReplica']>>;
let customer: string;
let product: string;
beforeAll(async () => {
  replica = await company.startReplica(undefined, { wallClock: { now: () => NOW } });
  customer = await addCustomer(company);
  ({ name: product } = await addProduct(company));
});

const create = (validUntilDate?: DateMessage, fields = {}) =>
  replica.quotes.createQuote({ quote: { customer, lines: [{ product, quantity: 1n }], validUntilDate, ...fields } });

/** When the owner is reminded; undefined if never. */
async function due(name: string): Promise<string | undefined> {
  const row = await company.database.maybeOne<{ due: Date }>('SELECT due_time AS due FROM jobs WHERE key = $1', [name]);
  return row?.due.toISOString();
}

it('is due the day before the last one, and moves with it', async () => {
  const { name } = await create(day(20));
  expect(await due(name)).toBe('2096-06-19T08:00:00.000Z');
  await replica.quotes.updateQuote({ quote: { name, validUntilDate: day(25) } });
  expect(await due(name)).toBe('2096-06-24T08:00:00.000Z');
  await replica.quotes.updateQuote({ quote: { name }, updateMask: ['valid_until_date'] });
  expect(await due(name)).toBeUndefined();
  await replica.quotes.updateQuote({ quote: { name, validUntilDate: day(18) } });
  expect(await due(name)).toBe('2096-06-17T08:00:00.000Z');
});

it('is set while its day lasts, and not later', async () => {
  expect(await due((await create(day(16))).name)).toBe('2096-06-15T08:00:00.000Z');
  expect(await due((await create(day(15))).name)).toBeUndefined();
  expect(await due((await create()).name)).toBeUndefined();
});

it('is cancelled with the quote, and comes back with it', async () => {
  const { name } = await create(day(20));
  await replica.quotes.deleteQuote({ name });
  expect(await due(name)).toBeUndefined();
  await replica.quotes.undeleteQuote({ name });
  expect(await due(name)).toBe('2096-06-19T08:00:00.000Z');
  await replica.quotes.acceptQuote({ name });
  expect(await due(name)).toBeUndefined();
});

it('shows on the quote, once, without changing what can be accepted', async () => {
  const quote = await create(day(20));
  expect(quote.reminderTime).toBeUndefined();
  await company.database.query('UPDATE jobs SET due_time = now() WHERE key = $1', [quote.name]);
  expect(await reminded(quote.name)).toEqual({ ...quote, reminderTime: expect.any(Date) });
  await eventually('the job has ended', async () => (await due(quote.name)) === undefined);
  const taxed = { name: quote.name, etag: quote.etag, taxPercent: { value: '20' } };
  const { etag } = await replica.quotes.updateQuote({ quote: taxed });
  expect(await due(quote.name)).toBeUndefined();
  await replica.quotes.acceptQuote({ name: quote.name, etag });
});

/** A quote as a watch shows it once its owner is reminded. */
async function reminded(quote: string) {
  for await (const { event } of replica.quotes.watchQuotes({})) {
    const shown =
      event?.$case === 'snapshot' ? event.value.quotes : event?.$case === 'quoteChanged' ? [event.value] : [];
    const found = shown.find(({ name, reminderTime }) => name === quote && reminderTime !== undefined);
    if (found !== undefined) return found;
  }
  throw new Error('the watch has ended');
}

it('leaves a quote alone that was accepted or deleted meanwhile', async () => {
  const [accepted, deleted] = [await create(day(20)), await create(day(20))];
  await replica.quotes.acceptQuote({ name: accepted.name });
  await replica.quotes.deleteQuote({ name: deleted.name });
  for (const { name } of [accepted, deleted]) {
    await replica.quotes.remindOwner({ name });
    expect((await replica.quotes.getQuote({ name })).reminderTime).toBeUndefined();
  }
});
