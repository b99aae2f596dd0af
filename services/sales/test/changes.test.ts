import { beforeEach, describe, expect, it } from '@jest/globals';
import { PreconditionFailure } from '@rondo/contracts/google/rpc/error_details';
import type { Transaction } from '@rondo/database';
import { addCustomer, addProduct, addQuote, euros, testCompany } from './company.js';
import { pileUp } from './locks.js';
import { refused } from './refused.js';

describe('changes in sales', () => {
  const company = testCompany();
  beforeEach(() => {
    company.calculator.away = false;
  });

  describe('of a customer', () => {
    const update = (customer: object, updateMask?: string[]) =>
      company.customers.updateCustomer(updateMask === undefined ? { customer } : { customer, updateMask });

    it('are refused if another customer has the e-mail address', async () => {
      const [one, other] = [await addCustomer(company), await addCustomer(company)];
      const { email } = await company.customers.getCustomer({ name: other });
      await refused(update({ name: one, email: email.toUpperCase() }), 'ALREADY_EXISTS', email.toUpperCase());
    });

    it('free the address of a deleted customer, who can not be undeleted once another customer has it', async () => {
      const name = await addCustomer(company);
      const { email, displayName } = await company.customers.deleteCustomer({ name });
      await company.customers.createCustomer({ customer: { displayName, email } });
      await refused(company.customers.undeleteCustomer({ name }), 'ALREADY_EXISTS', 'another customer has the e-mail');
    });
  });

  describe('of a product', () => {
    const update = (product: object, updateMask?: string[]) =>
      company.products.updateProduct(updateMask === undefined ? { product } : { product, updateMask });

    it('set every field but the stock, which does not affect the etag', async () => {
      const before = await addProduct(company);
      await company.products.adjustStock({ name: before.name, delta: -1n });
      const fields = { title: 'New', sku: `NEW-${before.sku}`, unitPrice: euros(5n, 1), deliveryEffortMinutes: 0n };
      const after = await update({ name: before.name, etag: before.etag, stock: 77n, ...fields }, ['*']);
      expect(after).toEqual({ ...before, ...fields, stock: 9n, etag: after.etag, updateTime: after.updateTime });
      const stale = update({ name: before.name, etag: before.etag, title: 'T' });
      await refused(stale, 'ABORTED', 'title, sku, unit_price, delivery_effort_minutes');
      await update({
        name: before.name,
        title: before.title,
        sku: before.sku,
        unitPrice: before.unitPrice,
        deliveryEffortMinutes: 60n,
      });
      await refused(
        update({ name: before.name, etag: before.etag, title: 'T' }),
        'ABORTED',
        'has changed since its etag was read, and back again; read it again',
      );
    });

    it('do not affect existing quotes and orders', async () => {
      const { name: product } = await addProduct(company, { title: 'Old', unitPrice: euros(10n) });
      const quote = await addQuote(company, await addCustomer(company), { product, quantity: 1n });
      await update({ name: product, title: 'New', unitPrice: euros(20n) });
      const { order } = await company.quotes.acceptQuote({ name: quote.name });
      expect(order).toMatchObject({ total: euros(10n), lines: [{ title: 'Old', unitPrice: euros(10n) }] });
    });

    it('include deletion: a deleted product can not be quoted, and its quotes can not be accepted, until it is undeleted', async () => {
      const customer = await addCustomer(company);
      const { name: product } = await addProduct(company);
      const line = { product, quantity: 1n };
      const { name: quote } = await addQuote(company, customer, line);
      const deleted = await company.products.deleteProduct({ name: product });
      await expect(company.products.deleteProduct({ name: product })).resolves.toEqual(deleted);
      const gone = `${product} is deleted; UndeleteProduct brings it back`;
      await refused(addQuote(company, customer, line), 'NOT_FOUND', gone);
      await refused(company.quotes.acceptQuote({ name: quote }), 'NOT_FOUND', gone);
      await refused(company.products.adjustStock({ name: product, delta: 1n }), 'NOT_FOUND', gone);
      await company.products.undeleteProduct({ name: product });
      await company.quotes.acceptQuote({ name: quote });
    });
  });

  describe('of a quote', () => {
    const update = (quote: object, updateMask?: string[]) =>
      company.quotes.updateQuote(updateMask === undefined ? { quote } : { quote, updateMask });

    it('reprice it at the present prices', async () => {
      const customer = await addCustomer(company);
      const { name: product } = await addProduct(company, { unitPrice: euros(10n) });
      const before = await company.quotes.createQuote({
        quote: {
          customer,
          lines: [{ product, quantity: 2n }],
          discountPercent: { value: '10' },
          taxPercent: { value: '20' },
        },
      });
      expect(before.total).toEqual(euros(21n, 60));
      await company.products.updateProduct({ product: { name: product, unitPrice: euros(20n) } });
      const { name, etag } = before;
      const cleared = await update({ name, etag }, ['discount_percent']);
      expect(cleared).toEqual({
        ...before,
        discountPercent: undefined,
        net: euros(40n),
        tax: euros(8n),
        total: euros(48n),
        lines: [{ ...before.lines[0], unitPrice: euros(20n) }],
        etag: cleared.etag,
        updateTime: cleared.updateTime,
      });
      await expect(company.quotes.getQuote({ name })).resolves.toEqual(cleared);
      const lines = [1n, 2n, 3n].map((quantity) => ({ product, quantity }));
      const quoteDate = { year: 2026, month: 1, day: 31 };
      await expect(update({ name, lines, quoteDate })).resolves.toMatchObject({ total: euros(144n), quoteDate });
      await refused(update({ name, etag, lines }), 'ABORTED', 'lines, discount_percent, quote_date; read it again');
    });

    it('keep a concurrent change that was made during their pricing', async () => {
      const { name: product } = await addProduct(company, { unitPrice: euros(1n) });
      const { name, etag } = await addQuote(company, await addCustomer(company), { product, quantity: 1n });
      const other = (quantity: bigint) => () => update({ name, lines: [{ product, quantity }] });
      company.calculator.meanwhile = other(5n);
      const both = await update({ name, taxPercent: { value: '20' } });
      expect(both).toMatchObject({ lines: [{ quantity: 5n }], taxPercent: { value: '20' }, total: euros(6n) });
      company.calculator.meanwhile = other(6n);
      await refused(
        update({ name, etag: both.etag, taxPercent: { value: '7' } }),
        'ABORTED',
        'has changed since its etag',
      );
      expect(etag).not.toBe(both.etag);
      const change = (holder: Transaction) =>
        holder.query('SELECT FROM quotes WHERE id = $1 FOR NO KEY UPDATE', [name.slice('quotes/'.length)]);
      const writes = () => Promise.all([other(7n)(), update({ name, taxPercent: { value: '50' } })]);
      await pileUp({ ...company, product: 'products/none', change }, 2, writes);
      await expect(company.quotes.getQuote({ name })).resolves.toMatchObject({
        lines: [{ quantity: 7n }],
        taxPercent: { value: '50' },
        total: euros(10n, 50),
      });
    });

    it('are refused unless it is open, deletion included', async () => {
      const customer = await addCustomer(company);
      const { name: product } = await addProduct(company);
      const { name, etag } = await addQuote(company, customer, { product, quantity: 1n });
      const deleted = await company.quotes.deleteQuote({ name });
      await refused(company.quotes.acceptQuote({ name }), 'NOT_FOUND', `${name} is deleted; UndeleteQuote`);
      await expect(company.quotes.deleteQuote({ name })).resolves.toEqual(deleted);
      const back = await company.quotes.undeleteQuote({ name });
      expect(back.deleteTime).toBeUndefined();
      await refused(
        company.quotes.acceptQuote({ name, etag }),
        'ABORTED',
        'has changed since its etag was read, and back',
      );

      await company.quotes.acceptQuote({ name, etag: back.etag });
      const closed = `${name} is ACCEPTED, and only an OPEN quote can be changed`;
      const { error } = await refused(update({ name, taxPercent: { value: '1' } }), 'FAILED_PRECONDITION', closed);
      expect(error.detail(PreconditionFailure)?.violations).toMatchObject([{ type: 'STATE', subject: name }]);
      await refused(company.quotes.deleteQuote({ name }), 'FAILED_PRECONDITION', closed);
      const stale = update({ name, etag: back.etag, taxPercent: { value: '1' } });
      await refused(stale, 'ABORTED', `${name} has changed since its etag was read: state`);
    });

    it('do not allow an acceptance before its quote date, or on a day that has begun nowhere', async () => {
      const { name: product } = await addProduct(company);
      const quoteDate = { year: 2026, month: 3, day: 1 };
      const lines = [{ product, quantity: 1n }];
      const { name } = await company.quotes.createQuote({
        quote: { customer: await addCustomer(company), lines, quoteDate },
      });
      const accept = (year: number, month: number, day: number) =>
        company.quotes.acceptQuote({ name, orderDate: { year, month, day } });
      const { fields } = await refused(
        accept(2026, 2, 28),
        'INVALID_ARGUMENT',
        `the day of ${name}, 2026-03-01; it is 2026-02-28`,
      );
      expect(fields).toEqual(['order_date']);
      const inDays = (days: number) => {
        const date = new Date(Date.now() + days * 86_400_000);
        return [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()] as const;
      };
      await refused(accept(...inDays(2)), 'INVALID_ARGUMENT', 'order_date: must not be after ');
      const late = { name, quoteDate: { year: 2999, month: 1, day: 1 } };
      await refused(update(late), 'INVALID_ARGUMENT', 'quote.quote_date: must not be after ');
      const [year, month, day] = inDays(1);
      const { order } = await accept(year, month, day);
      expect(order?.orderDate).toEqual({ year, month, day });
    });

    it('include the deletion of its customer, after which an open quote can not be accepted', async () => {
      const customer = await addCustomer(company);
      const { name: product } = await addProduct(company);
      const [open, accepted] = [
        await addQuote(company, customer, { product, quantity: 1n }),
        await addQuote(company, customer, { product, quantity: 1n }),
      ];
      const first = await company.quotes.acceptQuote({ name: accepted.name });
      await company.customers.deleteCustomer({ name: customer });
      await refused(company.quotes.acceptQuote({ name: open.name }), 'NOT_FOUND', `${customer} is deleted`);
      await expect(company.quotes.acceptQuote({ name: accepted.name })).resolves.toEqual(first);
      await refused(addQuote(company, customer, { product, quantity: 1n }), 'NOT_FOUND', `${customer} is deleted`);
    });
  });
});
