/** How all pages look: what axe objects to, narrow screens, the number of elements. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@rondo/harness';
import type { Page } from 'playwright-core';
import { axe, type Running } from './running.js';

const MAX_ELEMENTS = 2_000;
/** Of a trace with more spans and log lines than a page shows. */
const TRACE_ID = 'ab'.repeat(16);

/** Each page, with a text that it has when it is whole. */
const CONSOLE = [
  ['overview', 'The last hour'],
  ['overview/sales.v1.QuoteService/GetQuote', 'Slowest traces'],
  ['fleet', 'Show'],
  ['fleet//calculator-1', 'listening on'],
  ['methods', 'Choose a method'],
  ['methods/sales.v1.QuoteService', 'May call:'],
  ['methods/sales.v1.QuoteService/CreateQuote', 'Deadline and metadata'],
  ['methods/calculator.v1.CalculatorService/Sum', 'Add a message'],
  [`traces/${TRACE_ID}`, 'The longest by itself'],
  ['traces', 'Live'],
  ['logs', 'Live'],
  ['transactions', 'Live'],
  ['runs', 'Live'],
  ['jobs', 'Live'],
  ['events', 'Live'],
  ['settings', 'Live'],
] as const;

/** What the Tab key doesn't reach, and what doesn't show that it has the focus. */
async function unreached(page: Page): Promise<unknown> {
  const step = `(() => {
    const { activeElement: one } = document;
    const isNew = one !== document.body && !reached.has(one);
    reached.set(one, reached.get(one) || getComputedStyle(one).outlineStyle !== 'none');
    return isNew || one.type === 'date';
  })()`;
  await page.evaluate('reached = new Map(); void 0');
  for (let ends = 0; ends < 2; ) {
    await page.keyboard.press('Tab');
    if (!(await page.evaluate(step))) ends += 1;
  }
  return page.evaluate(`[...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter((one) => one.checkVisibility() && !one.disabled && !reached.get(one) && (one.type !== 'radio' || one.checked))
    .map(({ outerHTML }) => outerHTML.slice(0, 200))`);
}

/** Tests the looks of each page in a scheme of colours. */
export function testLooks(at: () => Running, colorScheme: 'light' | 'dark'): void {
  let running: Running;
  let page: Page;

  beforeAll(async () => {
    running = at();
    page = await running.open();
    await page.emulateMedia({ colorScheme });
    const headers = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };
    const ask = () => fetch(`${running.origin}/v1/quotes/none`, { headers }).then((answer) => answer.text());
    await Promise.all(Array.from({ length: 80 }, ask));
  });
  // A page has three streams, and a browser six connections to a host.
  afterAll(() => page.close());
  afterEach(() => expect(running.faults.splice(0)).toEqual([]));

  /** Expects of the page, as it is now, what holds for each. */
  async function expectLooks(place: string): Promise<void> {
    expect([place, await axe(page)]).toEqual([place, []]);
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThanOrEqual(MAX_ELEMENTS);
    await page.setViewportSize({ width: 390, height: 800 });
    expect([place, await page.evaluate('document.documentElement.scrollWidth <= innerWidth')]).toEqual([place, true]);
    await page.setViewportSize({ width: 1280, height: 720 });
  }

  it.each(CONSOLE)(
    `has nothing that axe objects to, few elements, and fits a narrow screen: console#/%s (${colorScheme})`,
    async (place, text) => {
      await page.goto(`${running.origin}/console#/${place}`);
      await page.getByText(text).filter({ visible: true }).first().waitFor();
      // Rows may come while one walks.
      if (colorScheme === 'light')
        await eventually(async () => expect([place, await unreached(page)]).toEqual([place, []]));
      await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
      await expectLooks(place);
    },
  );

  it(`has nothing that axe objects to in the question about a drain (${colorScheme})`, async () => {
    await page.goto(`${running.origin}/console#/fleet`);
    await page.getByRole('button', { name: 'Drain calculator-1' }).click();
    await expectLooks('drain');
  });

  it(`has nothing that axe objects to in the samples' pages (${colorScheme})`, async () => {
    const { project } = await running.projectWith('Dig');
    await running.quoteFor('Museum', 9);
    for (const [path, text] of [
      ['board', 'Dig'],
      [`board#/${project}`, 'Dig'],
      ['desk', 'Museum'],
      ['desk#/customers', 'Museum'],
      ['desk#/products', 'Lamp'],
    ] as const) {
      await page.goto(`${running.origin}/${path}`);
      await page.getByText(text).filter({ visible: true }).first().waitFor();
      await expectLooks(path);
    }
    await page.goto(`${running.origin}/desk`);
    await page.getByRole('button', { name: 'Change the quote for Museum' }).first().click();
    await expectLooks('change');
  });
}
