import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ErrorInfo, PreconditionFailure, ResourceInfo } from '@rondo/contracts/google/rpc/error_details';
import { addCustomer, addProduct, addQuote, type Company, euros, startCompany } from './company.js';
import { refused } from './refused.js';

describe('changes in sales', () => {
  let company: Company;
  beforeAll(async () => {
    company = await startCompany();
  });
  afterAll(() => company.stop());
  beforeEach(() => {
    company.calculator.away = false;
  });

  it('that would not differ write nothing: etag and update time stay', async () => {
    const customer = await company.customers.getCustomer({ name: await addCustomer(company) });
    const product = await addProduct(company);
    const lines = [{ product: product.name, quantity: 2n, discountPercent: { value: '5' } }];
    const quote = await company.quotes.createQuote({ quote: { customer: customer.name, lines } });
    await expect(company.customers.updateCustomer({ customer, updateMask: ['*'] })).resolves.toEqual(customer);
    await expect(company.products.updateProduct({ product, updateMask: ['*'] })).resolves.toEqual(product);
    const again = { ...quote, lines: [{ ...lines[0], discountPercent: { value: '5.00' } }] };
    await expect(company.quotes.updateQuote({ quote: again, updateMask: ['*'] })).resolves.toEqual(quote);
    await expect(company.quotes.getQuote({ name: quote.name })).resolves.toEqual(quote);
  });

  describe('of a customer', () => {
    const update = (customer: object, updateMask?: string[]) =>
      company.customers.updateCustomer(updateMask === undefined ? { customer } : { customer, updateMask });

    it('set the fields that the mask names, or the fields that are set', async () => {
      const name = await addCustomer(company);
      const before = await company.customers.getCustomer({ name });
      const renamed = await update({ name, displayName: 'Ada' });
      expect(renamed).toEqual({ ...before, displayName: 'Ada', etag: renamed.etag, updateTime: renamed.updateTime });
      expect(renamed.etag).not.toBe(before.etag);
      expect(renamed.updateTime?.getTime()).toBeGreaterThanOrEqual(before.updateTime?.getTime() ?? Infinity);
      const masked = await update({ name, displayName: 'Grace', email: 'grace@example.com' }, ['email']);
      expect(masked).toMatchObject({ displayName: 'Ada', email: 'grace@example.com' });
      await expect(update({ name })).resolves.toEqual(masked);
      await expect(company.customers.getCustomer({ name })).resolves.toEqual(masked);
    });

    it('are refused for a stale etag, with the changed fields; of concurrent changes one succeeds', async () => {
      const name = await addCustomer(company);
      const { etag } = await company.customers.getCustomer({ name });
      const all = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => update({ name, displayName: `Name ${index}`, etag })),
      );
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const stale = update({ name, email: 'new@example.com', etag });
      const { error } = await refused(stale, 'ABORTED', `${name} has changed since its etag was read: display_name`);
      expect(error.detail(ErrorInfo)).toEqual({
        reason: 'STALE_ETAG',
        domain: 'sales',
        metadata: { resource: name, changed: 'display_name' },
      });
    });

    it('report all faults of a request at once', async () => {
      const wrong = { name: 'Ada', displayName: '', email: 'nowhere', etag: 'x' };
      const { fields } = await refused(update(wrong, ['*', 'name']), 'INVALID_ARGUMENT');
      expect(fields).toEqual([
        'customer.email',
        'update_mask',
        'customer.name',
        'customer.etag',
        'customer.display_name',
      ]);
      await refused(update({ name: 'customers/none', displayName: 'A' }), 'NOT_FOUND', "customers/none doesn't exist");
      const { fields: missing } = await refused(company.customers.updateCustomer({}), 'INVALID_ARGUMENT');
      expect(missing).toEqual(['customer.name']);
    });

    it('are refused if another customer has the e-mail address', async () => {
      const [one, other] = [await addCustomer(company), await addCustomer(company)];
      const { email } = await company.customers.getCustomer({ name: other });
      await refused(update({ name: one, email: email.toUpperCase() }), 'ALREADY_EXISTS', email.toUpperCase());
    });

    it('include deletion and undeletion, which are both idempotent', async () => {
      const name = await addCustomer(company);
      const { etag, email } = await company.customers.getCustomer({ name });
      await update({ name, displayName: 'Ada' });
      await refused(company.customers.deleteCustomer({ name, etag }), 'ABORTED', 'display_name');
      const deleted = await company.customers.deleteCustomer({ name });
      expect(deleted.deleteTime).toBeInstanceOf(Date);
      await expect(company.customers.deleteCustomer({ name, etag })).resolves.toEqual(deleted);
      await expect(company.customers.getCustomer({ name })).resolves.toEqual(deleted);
      const { error } = await refused(update({ name, displayName: 'B' }), 'NOT_FOUND', `${name} is deleted`);
      expect(error.detail(ResourceInfo)).toMatchObject({ resourceName: name });

      const listed = async (showDeleted: boolean) =>
        (await company.customers.listCustomers({ showDeleted, filter: `email = "${email}"` })).customers;
      expect(await listed(false)).toEqual([]);
      expect(await listed(true)).toEqual([deleted]);

      const back = await company.customers.undeleteCustomer({ name });
      expect(back).toEqual({ ...deleted, deleteTime: undefined, etag: back.etag, updateTime: back.updateTime });
      await expect(company.customers.undeleteCustomer({ name })).resolves.toEqual(back);
      expect(await listed(false)).toEqual([back]);
      await refused(company.customers.deleteCustomer({ name: 'customers/none' }), 'NOT_FOUND');
      await refused(company.customers.undeleteCustomer({ name: 'customers/none' }), 'NOT_FOUND');
    });

    it('free the address of a deleted customer, who can not be undeleted once another customer has it', async () => {
      const name = await addCustomer(company);
      const { email, displayName } = await company.customers.deleteCustomer({ name });
      await company.customers.createCustomer({ customer: { displayName, email } });
      await refused(company.customers.undeleteCustomer({ name }), 'ALREADY_EXISTS', 'another customer has the e-mail');
    });

    it('do not affect the response to a repeated create', async () => {
      const requestId = randomUUID();
      const request = { customer: { displayName: 'Once', email: 'once@example.com' }, requestId };
      const first = await company.customers.createCustomer(request);
      await update({ name: first.name, displayName: 'Changed' });
      await company.customers.deleteCustomer({ name: first.name });
      await expect(company.customers.createCustomer(request)).resolves.toEqual(first);
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

    it('report all faults of a request at once', async () => {
      const wrong = { name: 'x', sku: 'a b', unitPrice: euros(-1n), deliveryEffortMinutes: -1n };
      const { fields, error } = await refused(update(wrong, ['*', 'stock']), 'INVALID_ARGUMENT', 'it names "stock"');
      expect(fields).toEqual([
        'product.sku',
        'product.delivery_effort_minutes',
        'update_mask',
        'product.name',
        'product.title',
        'product.unit_price',
      ]);
      expect(error.message).toContain('must be of title, sku, unit_price, delivery_effort_minutes');
      const { name } = await addProduct(company);
      const { sku } = await addProduct(company);
      await refused(update({ name, sku }), 'ALREADY_EXISTS', `the SKU ${sku}`);
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
        ...{ discountPercent: undefined, net: euros(40n), tax: euros(8n), total: euros(48n) },
        lines: [{ ...before.lines[0], unitPrice: euros(20n) }],
        ...{ etag: cleared.etag, updateTime: cleared.updateTime },
      });
      await expect(company.quotes.getQuote({ name })).resolves.toEqual(cleared);
      const lines = [1n, 2n, 3n].map((quantity) => ({ product, quantity }));
      const quoteDate = { year: 2026, month: 1, day: 31 };
      await expect(update({ name, lines, quoteDate })).resolves.toMatchObject({ total: euros(144n), quoteDate });
      await refused(update({ name, etag, lines }), 'ABORTED', 'lines, discount_percent, quote_date; read it again');
    });

    it('report all faults of a request at once', async () => {
      const quoteDate = { year: 2999, month: 1, day: 1 };
      const wrong = { name: 'x', lines: [], discountPercent: { value: '-1' }, taxPercent: { value: '101' }, quoteDate };
      const { fields } = await refused(update(wrong, ['*', 'customer']), 'INVALID_ARGUMENT');
      expect(fields).toEqual([
        'update_mask',
        'quote.name',
        'quote.lines',
        'quote.discount_percent',
        'quote.tax_percent',
        'quote.quote_date',
      ]);
      await refused(update({ name: 'quotes/none' }), 'NOT_FOUND', "quotes/none doesn't exist");
    });

    it('succeed or fail as a whole when they are concurrent', async () => {
      const { name: product } = await addProduct(company, { unitPrice: euros(1n) });
      const { name } = await addQuote(company, await addCustomer(company), { product, quantity: 1n });
      await Promise.allSettled(
        [1n, 2n, 3n, 4n].map((count) =>
          update({ name, lines: Array.from({ length: Number(count) }, () => ({ product, quantity: count })) }),
        ),
      );
      const { lines, total } = await company.quotes.getQuote({ name });
      const count = BigInt(lines.length);
      expect(lines.map(({ quantity }) => quantity)).toEqual(lines.map(() => count));
      expect(total).toEqual(euros(count * count));
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

    it('do not affect the response to a repeated create', async () => {
      const { name: product } = await addProduct(company);
      const quote = {
        customer: await addCustomer(company),
        lines: [1n, 2n].map((quantity) => ({ product, quantity })),
      };
      const requestId = randomUUID();
      const first = await company.quotes.createQuote({ quote, requestId });
      await update({ name: first.name, lines: [{ product, quantity: 7n }], taxPercent: { value: '5' } });
      await company.quotes.acceptQuote({ name: first.name });
      await expect(company.quotes.createQuote({ quote, requestId })).resolves.toEqual(first);
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
