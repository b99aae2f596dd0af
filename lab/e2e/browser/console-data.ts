/** What processes tell, in the console: traces. */
import { expect, it } from '@jest/globals';
import { LogServiceDefinition } from '@rondo/contracts/rondo/logs/v1/logs';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { TraceServiceDefinition } from '@rondo/contracts/rondo/tracing/v1/tracing';
import { CoordinatorServiceDefinition } from '@rondo/contracts/rondo/transactions/v1/transactions';
import { eventually } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { standIn } from '@rondo/rpc/testing';
import type { Page } from 'playwright-core';
import { ask, askJson } from '../../../e2e/src/front-door.js';
import { axe, expectText, HOSTILE, openForEach, type Running, SHOWN, startInstance, TEXT } from './running.js';

/** Whether a chart of durations has a line or a point: they are blue, the texts and the grid grey. */
const isDrawn = `[...document.querySelectorAll('figure')].some((one) => {
  const canvas = one.textContent.includes('p99') && one.querySelector('canvas');
  const { data = [] } = canvas ? canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height) : {};
  return data.some((red, at) => at % 4 === 0 && data[at + 3] > 200 && data[at + 2] > red + 80);
})`;

/** Tests what the console shows of what processes tell: traces, logs, transactions, settings. */
export function testData(at: () => Running): void {
  let running: Running;
  let page: Page;

  openForEach(at, (opened, tab) => {
    running = opened;
    page = tab;
  });

  const show = (place: string) => page.goto(`${running.origin}/console#/${place}`);
  const failed = (path: string) => ask(`${running.origin}/v1/${path}`);
  const idOf = ({ headers }: { readonly headers: Headers }) => headers.get('x-request-id') ?? '';

  /** Makes a quote and accepts it. */
  async function accept() {
    const create = async (path: string, body: object) => {
      const answer = await askJson(`${running.origin}/v1/${path}`, body);
      expect(answer).toMatchObject({ status: 200 });
      return { name: String(Reflect.get(Object(answer.json()), 'name')), id: idOf(answer) };
    };
    const customer = await eventually(() => create('customers', { displayName: 'Ada', email: 'ada@example.com' }));
    const product = await create('products', {
      title: 'Kit',
      sku: `K-${Date.now()}`,
      stock: '5',
      deliveryEffortMinutes: '30',
      unitPrice: { currencyCode: 'EUR', units: '10' },
    });
    const lines = [{ product: product.name, quantity: '2' }];
    const quote = await create('quotes', { customer: customer.name, lines });
    return create(`${quote.name}:accept`, {});
  }

  it('finds the trace of AcceptQuote by one paste of a header, and shows its spans by the keyboard alone', async () => {
    const { id } = await accept();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: running.origin });
    await show('traces');
    await page.evaluate(`navigator.clipboard.writeText('x-request-id: ${id.toUpperCase()}')`);
    await page.getByLabel('Find').focus();
    await page.keyboard.press('Control+V');
    const accepted = page.getByRole('button', { name: /^sales\.v1\.QuoteService\/AcceptQuote/ });
    await accepted.waitFor();
    for (const hasText of ['sales-1', 'project-management-1', 'transaction log-committing', 'INSERT '])
      await page.getByRole('row').filter({ hasText }).first().waitFor();
    await page.getByText('The longest by itself:').waitFor();
    await page.locator('.lines').getByRole('row').filter({ hasText: 'gateway-1' }).first().waitFor();
    await page.locator('.waterfall button').first().focus();
    for (let steps = 0; (await page.locator(':focus').textContent()) !== (await accepted.textContent()); steps += 1) {
      expect(steps).toBeLessThan(20);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.getByText('rpc.response.status_code').waitFor();
    await page.keyboard.press('Enter');
    await running.picture(page, 'trace', 560);
    // Reflection has what the contract imports: other programs can ask the same.
    const call = ['rondo.gateway.v1.ConsoleService/FindTrace', `{"traceId": "${id}"}`] as const;
    const { stdout } = await running.system.rondo('call', ...call, '--address', running.system.address(20));
    expect(stdout).toContain('sales.v1.QuoteService/AcceptQuote');
  });

  it('lists traces as they end, the failed ones alone, and says if there is none', async () => {
    await show('traces');
    await page.getByText('Live', { exact: true }).waitFor();
    await failed('quotes/none');
    await page.getByRole('link', { name: 'GET /v1/{name=quotes/*}' }).first().waitFor();
    expect(await page.getByRole('link', { name: 'ConsoleService' }).count()).toBe(0);
    // A list holds while the focus is in it, and another tab's doesn't.
    const tab = await running.open();
    await tab.goto(page.url());
    const href = await page.locator('tbody a').first().getAttribute('href');
    await page.locator(`a[href="${href}"]`).focus();
    await tab.locator(`a[href="${href}"]`).waitFor();
    await Promise.all(Array.from({ length: 120 }, () => failed('quotes/none')));
    await tab.locator(`a[href="${href}"]`).waitFor({ state: 'detached' });
    await tab.close();
    expect(await page.locator(':focus').getAttribute('href')).toBe(href);
    await page.getByLabel('with a span named like').fill('no such span');
    await failed('quotes/while-one-types');
    await page.getByRole('link', { name: 'GET /v1/{name=quotes/*}' }).nth(1).waitFor();
    expect(await page.getByLabel('with a span named like').inputValue()).toBe('no such span');
    await page.keyboard.press('Enter');
    await page.getByText('No trace fits').waitFor();
    // Others may be slower than the hundred that are shown.
    await page.getByLabel('with a span named like').fill('QuoteService/GetQuote');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'slowest' }).click();
    await page.getByRole('link', { name: 'GET /v1/{name=quotes/*}' }).first().waitFor();
    await page.getByRole('button', { name: 'failed' }).click();
    // Until the failed ones have come, the list also has others.
    const row = page.getByRole('row').filter({ hasText: 'refused: HTTP 404' });
    await row.getByRole('link', { name: 'GET /v1/{name=quotes/*}' }).first().click();
    await page.getByText('sales.v1.QuoteService/GetQuote NOT_FOUND').first().waitFor();
    await show(`traces/${'f'.repeat(32)}`);
    await page.getByText(`No process has a trace ${'f'.repeat(32)}`).waitFor();
    await page.getByLabel('Find').fill('no id');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('There is no trace id in it').waitFor();
  });

  it('shows text of others as text', async () => {
    const traceId = 'e'.repeat(32);
    const span = { spanId: '1', name: TEXT, error: TEXT, attributes: { [TEXT]: TEXT }, events: [{ name: TEXT }] };
    const far = { 'rpc.method': 'far.v1.S/M', 'rondo.instance': 'far-1', 'rpc.response.status_code': 'INTERNAL' };
    const error = `the log of the service has it: rondo logs --trace ${traceId}`;
    const call = { spanId: '2', parentSpanId: '1', name: 'far.v1.S/M', kind: 3, error, attributes: far };
    const handlers = { getTrace: () => ({ instanceId: TEXT, traceIds: [traceId], spans: [span, call] }) };
    const stop = await startInstance(running, [standIn(TraceServiceDefinition, handlers)]);
    await show(`traces/${traceId}`);
    await page.getByText('Incomplete 1 call to far-1 has no spans from there').waitFor();
    await page.getByRole('button', { name: HOSTILE }).click();
    expect(await page.getByText(SHOWN).count()).toBeGreaterThan(5);
    await page.getByRole('button', { name: 'far.v1.S/M' }).click();
    await page.getByRole('link', { name: 'log lines of the trace' }).click();
    expect(await page.getByLabel('Trace').inputValue()).toBe(traceId);
    await expectText(page);
    await stop();
  });

  it('shows what is open, what it waits for, and no longer once it has ended', async () => {
    const since = { createTime: new Date(), expireTime: new Date() };
    const ref = { coordinator: TEXT, id: 'aa-1' };
    const participants = [{ service: 'stock.v1.StockService', outcome: 0, error: TEXT }];
    const transaction = { ref, kind: TEXT, subject: 'quotes/7', state: 1, participants, ...since, attempts: 3 };
    const saga = {
      id: 'bb-2',
      kind: 'cancel-order',
      subject: TEXT,
      state: 3,
      step: 'refund',
      attempts: 9,
      error: TEXT,
    };
    const listed = { transactions: [transaction], sagas: [saga] };
    const handlers = {
      listTransactions: () => ({ coordinator: TEXT, transactions: listed.transactions }),
      listSagas: () => ({ sagas: listed.sagas }),
    };
    const stop = await startInstance(running, [standIn(CoordinatorServiceDefinition, handlers)]);
    await show('transactions');
    const row = (text: string) => page.getByRole('row').filter({ hasText: text });
    await row('quotes/7').getByText(`the votes of stock.v1.StockService: ${SHOWN}`).waitFor();
    await row('bb-2').getByText(`an operator: rondo tx resolve bb-2 --retry; ${SHOWN}`).waitFor();
    expect(await axe(page)).toEqual([]);
    listed.transactions = [{ ...transaction, state: 2 }];
    await row('quotes/7').getByText('committing').waitFor();
    listed.transactions = [];
    await row('quotes/7').waitFor({ state: 'detached' });
    await expectText(page);
    await page.getByRole('link', { name: 'the last transactions' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByLabel('with a span named like').inputValue()).toBe('transaction log-finished');
    await stop();
  });

  it('says what a transaction waits for whose participant hangs', async () => {
    await show('transactions');
    await page.getByText('Live', { exact: true }).waitFor();
    const { quote } = await running.quoteFor('Glacier Hut', 9);
    const participant = running.system.pid('project-management-1');
    process.kill(participant, 'SIGSTOP');
    try {
      const accepted = askJson(`${running.origin}/v1/${quote}:accept`, {});
      const row = page.getByRole('row').filter({ hasText: quote });
      await row.getByText('the answer of projects.v1.ProjectService').waitFor();
      await running.picture(page, 'transactions', 420);
      await accepted;
    } finally {
      process.kill(participant, 'SIGCONT');
    }
    await page.getByText('No transaction and no saga is open').waitFor();
  });

  it('shows a value between two gaps', async () => {
    const steps = [1, 2, 3].map((at) => ({ unixMs: Date.now() - 20_000 + 5_000 * at, ...(at === 2 && { p99Ms: 9 }) }));
    const json = JSON.stringify({ gateway: 'gateway-1', sinceTime: new Date(), stepMs: 5_000, steps });
    const framed = (flags: number, text: string) => `${String.fromCharCode(flags, 0, 0, 0, 0)}${text}`;
    const body = Buffer.from(`${framed(0, json)}${framed(2, '{}')}`);
    body.writeUInt32BE(json.length, 1);
    body.writeUInt32BE(2, json.length + 6);
    const contentType = 'application/connect+json';
    await page.route('**/WatchFigures', (route) => route.fulfill({ contentType, body }));
    await show('overview');
    await page.getByText('Most p99: 9 ms').waitFor();
    await eventually(async () => expect(await page.evaluate(isDrawn)).toBe(true));
  });

  it('shows the settings, and each change', async () => {
    await show('settings');
    await page.getByText('There is none').waitFor();
    const channel = createChannel({ resolver: staticResolver([running.system.registry]) });
    const client = createClient(SettingsServiceDefinition, { channel });
    const named = { service: 'sales.v1.QuoteService', key: 'log_level' };
    await client.updateSetting({ setting: { ...named, value: 'debug', author: HOSTILE } });
    const row = page.getByRole('row').filter({ hasText: 'debug' });
    await row.getByText(HOSTILE).waitFor();
    expect(await axe(page)).toEqual([]);
    await client.deleteSetting({ ...named, author: 'ada' });
    await page.getByText('There is none').waitFor();
    channel.close();
  });

  it('shows the log lines of all instances as they come, by level, instance and text', async () => {
    await show('logs');
    await page.getByText('Live', { exact: true }).waitFor();
    const { headers } = await ask(`${running.origin}/v1/quotes/${'x'.repeat(80)}`);
    const row = page.getByRole('row').filter({ hasText: headers.get('x-request-id') ?? '' });
    await row.first().waitFor();
    await page.getByLabel('Instance').fill('calculator-1');
    await page.keyboard.press('Enter');
    await row.first().waitFor({ state: 'detached' });
    await page
      .getByRole('row', { name: / calculator-1 / })
      .first()
      .waitFor();
    expect(await page.getByRole('row').filter({ hasText: 'gateway-1' }).count()).toBe(0);
    await page.getByLabel('Level').selectOption('error');
    await page.getByText('No line fits').waitFor();
    await show('logs/?instance=evil-1');
    const text = `"level":"info","msg":"${HOSTILE}`;
    const readLogs = async function* (_: unknown, { signal }: { readonly signal: AbortSignal }) {
      const err = { type: 'TypeError', message: TEXT, stack: `at ${TEXT}` };
      yield { instanceId: TEXT, lines: [JSON.stringify({ level: 'error', msg: 'it failed', err })] };
      yield { instanceId: TEXT, lines: [text, JSON.stringify({ level: 'info', msg: TEXT, [TEXT]: TEXT })] };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    };
    const stop = await startInstance(running, [standIn(LogServiceDefinition, { readLogs })]);
    await page.getByRole('row').getByText(text).waitFor();
    await page.getByRole('row').getByText(SHOWN).first().waitFor();
    await page.getByText(`TypeError: ${SHOWN}`).waitFor();
    await page.getByText('Stack', { exact: true }).click();
    await page.getByText(`at ${SHOWN}`, { exact: true }).waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(await axe(page)).toEqual([]);
    await stop();
  });
}
