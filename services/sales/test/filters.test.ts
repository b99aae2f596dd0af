import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Product } from '@rondo/contracts/sales/v1/products';
import { QuoteState } from '@rondo/contracts/sales/v1/quotes';
import { seededRandom } from '@rondo/rpc/testing';
import { addCustomer, addProduct, addQuote, type Company, startCompany } from './company.js';
import { refused } from './refused.js';

const { next } = seededRandom(20_261_120);
const below = (limit: number) => Math.floor(next() * limit);

const COMPARATORS = {
  '=': (order: number) => order === 0,
  '!=': (order: number) => order !== 0,
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
};

function orderOf<T extends bigint | number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

describe('the filters of sales', () => {
  let company: Company;
  let customer: string;
  let products: readonly Product[];
  beforeAll(async () => {
    company = await startCompany();
    customer = await addCustomer(company);
    const made = [];
    for (let index = 0; index < 12; index += 1) {
      made.unshift(
        await addProduct(company, {
          title: ['Desk', 'a "b" \\c', "it's", 'é🦊'][index % 4] ?? '',
          stock: BigInt(below(6)),
        }),
      );
    }
    products = made;
  });
  afterAll(() => company.stop());

  it('find the products that satisfy random comparisons, page by page', async () => {
    for (let run = 0; run < 25; run += 1) {
      const terms = Array.from({ length: below(3) + 1 }, anyTerm);
      const filter = terms.map(({ text }) => text).join(' AND ');
      const found: Product[] = [];
      for (let pageToken = ''; ; ) {
        const page = await company.products.listProducts({ filter, pageSize: 1 + below(5), pageToken });
        found.push(...page.products);
        pageToken = page.nextPageToken;
        if (pageToken === '') break;
      }
      const expected = products.filter((product) => terms.every(({ holds }) => holds(product)));
      expect({ filter, found }).toEqual({ filter, found: expected });
    }
  });

  function anyTerm(): { readonly text: string; readonly holds: (product: Product) => boolean } {
    const comparators = Object.entries(COMPARATORS);
    const [comparator, matches] = comparators[below(comparators.length)] ?? ['=', COMPARATORS['=']];
    const { title, sku, stock, createTime } = products[below(products.length)] ?? products[0] ?? failed();
    switch (below(4)) {
      case 0: {
        const equal = comparator === '!=' ? '!=' : '=';
        const text = `title ${equal} "${title.replace(/(["\\])/g, '\\$1')}"`;
        return { text, holds: (product) => COMPARATORS[equal](orderOf(product.title, title)) };
      }
      case 1:
        return { text: `stock ${comparator} ${stock}`, holds: (product) => matches(orderOf(product.stock, stock)) };
      case 2:
        return { text: `sku != "${sku}"`, holds: (product) => product.sku !== sku };
      default: {
        const time = createTime?.getTime() ?? 0;
        return {
          text: `create_time ${comparator} "${new Date(time).toISOString()}"`,
          holds: (product) => matches(orderOf(product.createTime?.getTime() ?? 0, time)),
        };
      }
    }
  }

  it('compare states, names and dates of quotes and orders', async () => {
    const product = await addProduct(company, { stock: 100n });
    const line = { product: product.name, quantity: 1n };
    const other = await addCustomer(company);
    const open = await addQuote(company, customer, line);
    const foreign = await addQuote(company, other, line);
    const { quote: accepted, order: delivered } = await company.quotes.acceptQuote({ name: foreign.name });
    const quotes = async (filter: string) => (await company.quotes.listQuotes({ filter })).quotes;
    expect(await quotes(`customer = "${customer}" AND state = OPEN`)).toEqual([open]);
    expect(await quotes('state != OPEN')).toEqual([accepted]);
    expect(await quotes('state = ACCEPTED')).toMatchObject([{ state: QuoteState.QUOTE_STATE_ACCEPTED }]);
    expect(await quotes('quote_date < "2026-01-01"')).toEqual([]);

    const orderDate = { year: 2025, month: 12, day: 31 };
    const direct = await company.orders.placeOrder({ order: { customer, lines: [line], orderDate } });
    const cancelled = await company.orders.cancelOrder({ name: direct.name });
    const orders = async (filter: string) => (await company.orders.listOrders({ filter })).orders;
    expect(await orders('state = PLACED')).toEqual([delivered]);
    expect(await orders('order_date <= "2025-12-31" AND state = CANCELLED')).toEqual([cancelled]);
    expect(await orders(`quote = "${foreign.name}"`)).toEqual([delivered]);
    expect(await orders(`quote != "${foreign.name}"`)).toEqual([cancelled]); // an order without a quote satisfies !=
    expect(await orders(`customer = "${other}"`)).toEqual([delivered]);
  });

  it('are refused together with other faults; a page token is valid only with its filter', async () => {
    const { nextPageToken: pageToken } = await company.products.listProducts({ pageSize: 1, filter: 'stock >= 0' });
    expect(pageToken).not.toBe('');
    const wrong = { pageSize: -1, pageToken, filter: 'stock >= 0 OR stock = 1' };
    const { fields, error } = await refused(company.products.listProducts(wrong), 'INVALID_ARGUMENT');
    expect(fields).toEqual(['page_size', 'page_token', 'filter']);
    expect(error.message).toContain('filter: must be comparisons joined by AND, without OR, NOT and parentheses');
    await refused(
      company.products.listProducts({ pageToken, showDeleted: true, filter: 'stock >= 0' }),
      'INVALID_ARGUMENT',
      'page_token',
    );
    await refused(
      company.quotes.listQuotes({ filter: 'customer = "Ada"' }),
      'INVALID_ARGUMENT',
      'a name such as "customers/{customer}"',
    );
  });
});

function failed(): never {
  throw new Error('there are no products');
}
