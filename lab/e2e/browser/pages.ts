/** The pages of the samples in browsers, over a whole system. */
import { afterEach, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '@rondo/harness';
import type { BrowserContext, Page } from 'playwright-core';
import { axe, type Running } from './running.js';

const HOSTILE = '<img src=x onerror="document.title=`hit`">\u202e';
/** From the base port. */
const GATEWAY_METRICS = 521;

/** Tests the pages of the samples. */
export function testPages(at: () => Running): void {
  let running: Running;
  let origin: string;
  const opened: (BrowserContext | Page)[] = [];
  /** How many streams and calls the gateway has at the services, without the one by which its cache follows products. */
  async function inFlight(): Promise<number> {
    const text = await (await fetch(`http://${running.system.address(GATEWAY_METRICS)}/metrics`)).text();
    const figures = [...text.matchAll(/^rondo_balancer_calls_in_flight\{(?!.*ProductService).*\} (\d+)$/gm)];
    return figures.reduce((sum, [, figure]) => sum + Number(figure), 0);
  }

  beforeAll(() => {
    running = at();
    origin = running.origin;
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
    expect(running.faults.splice(0)).toEqual([]);
  });

  /** Another browser. */
  async function another(): Promise<BrowserContext> {
    const context = await running.browser.newContext();
    opened.push(context);
    return context;
  }

  /** Opens a page, whose faults fail the test. */
  async function open(path: string, of?: BrowserContext): Promise<Page> {
    const page = await running.open(of);
    opened.push(page);
    await page.goto(`${origin}${path}`);
    await page.getByText('Live', { exact: true }).waitFor();
    return page;
  }

  const column = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
  const card = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name });

  it('sells in one browser what another sees ordered, and the board delivers', async () => {
    const [ada, bob, board] = [await open('/desk'), await open('/desk', await another()), await open('/board')];
    await ada.goto(`${origin}/desk#/customers`);
    await ada.getByText('There is no customer yet').waitFor();
    await ada.getByLabel('Name').fill('Harbour Museum');
    await ada.getByLabel('E-mail').fill('harbour@rondo.example');
    await button(ada, 'Add the customer').click();
    await ada.getByRole('rowheader', { name: 'Harbour Museum' }).waitFor();
    await ada.getByRole('link', { name: 'Products' }).click();
    for (const [label, value] of Object.entries({
      Title: 'Sensor',
      SKU: 'SENSOR',
      Price: '12.50',
      'In stock': '9',
    })) {
      await ada.getByLabel(label).fill(value);
    }
    await button(ada, 'Add the product').click();
    await ada.getByRole('row').filter({ hasText: '€12.50' }).getByText('9', { exact: true }).waitFor();
    await ada.getByRole('link', { name: 'Customers' }).click();
    await ada.getByRole('link', { name: 'New quote for Harbour Museum' }).click();
    await ada.getByLabel('Product 1').selectOption({ label: 'Sensor, €12.50' });
    await ada.getByLabel('Quantity 1').fill('4');
    await ada.getByLabel('Tax in %').fill('20');
    await button(ada, 'Make the quote').click();

    const offered = column(bob, 'Open quotes').getByText('€60.00');
    await offered.waitFor();
    await button(bob, 'Accept the quote for Harbour Museum').click();
    await button(bob, 'Accept at €60.00').click();
    for (const page of [ada, bob]) {
      await column(page, 'Orders').getByText('Harbour Museum').waitFor();
      await column(page, 'Open quotes').getByText('€60.00').waitFor({ state: 'detached' });
    }
    await board.getByRole('link', { name: /Harbour Museum/ }).click();
    await column(board, 'Open').getByText('4 × Sensor').waitFor();
    await column(ada, 'Orders').getByRole('link', { name: 'delivery' }).click();
    await column(ada, 'Open').getByText('4 × Sensor').waitFor();
  });

  it('moves a task by the mouse and by the keyboard, which another browser sees', async () => {
    const { project } = await running.projectWith('Dig');
    const [ada, bob] = [await open(`/board#/${project}`), await open(`/board#/${project}`, await another())];
    await card(ada, 'Dig').dragTo(column(ada, 'In progress'));
    await column(bob, 'In progress').getByText('Dig').waitFor();
    await button(bob, 'Finish Dig').focus();
    await bob.keyboard.press('Enter');
    await bob.getByRole('status').getByText('Dig is in Done.').waitFor();
    await column(ada, 'Done').getByText('Dig').waitFor();
    // The focus goes with the task, so that the next key is at its buttons.
    await eventually(async () => expect(await bob.evaluate('document.activeElement.id')).toContain('/tasks/'));
    await bob.keyboard.press('Tab');
    await bob.keyboard.press('Enter');
    await column(ada, 'In progress').getByText('Dig').waitFor();
  });

  it('asks whose change counts if two rename the same task', async () => {
    const { project, task } = await running.projectWith('Dig');
    const page = await open(`/board#/${project}`);
    for (const choice of ['Take theirs', 'Keep mine']) {
      await page.getByRole('button', { name: /^Rename (?:Dig|Theirs)/ }).click();
      await running.send('PATCH', task, { title: `Theirs: ${choice}` });
      await page.getByLabel('Title').fill(`Mine: ${choice}`);
      await button(page, 'Rename').click();
      const question = page.getByRole('dialog', { name: 'Someone changed this task a moment ago' });
      await question.getByText(`theirs: Theirs: ${choice}`).waitFor();
      await question.getByText(`yours: Mine: ${choice}`).waitFor();
      expect(await axe(page)).toEqual([]);
      await question.getByRole('button', { name: choice }).click();
      await column(page, 'Open')
        .getByText(`${choice === 'Keep mine' ? 'Mine' : 'Theirs'}: ${choice}`)
        .waitFor();
    }
    expect(running.faults.splice(0)).toEqual([expect.stringContaining('409'), expect.stringContaining('409')]);
  });

  it('accepts no quote that has changed before a person agrees', async () => {
    const { quote, product } = await running.quoteFor('Olive Presses', 9);
    const page = await open('/desk');
    await button(page, 'Accept the quote for Olive Presses').click();
    await running.send('PATCH', quote, { lines: [{ product, quantity: 3 }] });
    await button(page, 'Accept at €20.00').click();
    const question = page.getByRole('dialog', { name: 'Someone changed this quote a moment ago' });
    await question.getByText('theirs: €30.00').waitFor();
    await button(page, 'Accept theirs, at €30.00').click();
    await column(page, 'Orders').getByText('Olive Presses').waitFor();
    running.faults.splice(0); // the browser logs the refusal
  });

  it('says what is short, and accepts the quote once it is changed', async () => {
    await running.quoteFor('Karst Caves', 1);
    const page = await open('/desk');
    await button(page, 'Accept the quote for Karst Caves').click();
    await button(page, 'Accept at €20.00').click();
    const refusal = /Nothing was ordered: only 1 of Lamp \d+ left, and the quote needs 2\./;
    await page.getByRole('alert').getByText(refusal).waitFor();
    await button(page, 'Cancel').click();
    await button(page, 'Change the quote for Karst Caves').click();
    await page.getByRole('dialog').getByLabel('Quantity 1').fill('1');
    await button(page, 'Price it again').click();
    const quote = column(page, 'Open quotes').getByRole('listitem').filter({ hasText: 'Karst Caves' });
    await quote.getByText(/^1 × Lamp/).waitFor();
    await button(page, 'Accept the quote for Karst Caves').click();
    await button(page, 'Accept at €10.00').click();
    await column(page, 'Orders').getByText('Karst Caves').waitFor();
    running.faults.splice(0); // the browser logs the refusal
  });

  it('shows text of others as text', async () => {
    const { project } = await running.projectWith(HOSTILE);
    await running.quoteFor(HOSTILE, 9);
    for (const path of [`/board#/${project}`, '/board', '/desk', '/desk#/customers']) {
      const page = await open(path);
      await page.getByText(HOSTILE).filter({ visible: true }).first().waitFor();
      expect([await page.locator('main img').count(), await page.title()]).toEqual([
        0,
        expect.not.stringMatching('hit'),
      ]);
    }
  });

  it('asks a person without the scope for credentials', async () => {
    const page = await open('/board');
    const json = { code: 'unauthenticated', message: 'the call has no credentials' };
    await page.route('**/WatchProjects', (route) =>
      route.request().headers()['x-api-key'] === undefined ? route.fulfill({ status: 401, json }) : route.continue(),
    );
    await page.reload();
    await page.getByRole('status').getByText(json.message).waitFor();
    await page.getByLabel('Token or API key').fill('a-key');
    await button(page, 'Use it until I leave this page').click();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.reload();
    await page.getByLabel('Token or API key').waitFor();
    running.faults.splice(0); // the browser logs the refusals
  });

  it('can’t reach into a console that it opens', async () => {
    const page = await open('/board');
    const opening = page.context().waitForEvent('page');
    await page.evaluate("window.opened = window.open('/console')");
    const console = await opening;
    opened.push(console);
    await console.getByText('Live', { exact: true }).waitFor();
    expect(await page.evaluate('window.opened.closed')).toBe(true);
  });

  it('is linked on the first page, and leaves no stream behind', async () => {
    const untilStreams = (count: number) => eventually(async () => expect(await inFlight()).toBe(count));
    const context = await running.browser.newContext();
    for (let tabs = 0; tabs < 10; tabs += 1) {
      const page = await context.newPage();
      await page.goto(origin);
      await page.getByRole('link', { name: tabs % 2 === 0 ? 'Board' : 'Desk', exact: true }).click();
      await page.getByText('Live', { exact: true }).waitFor();
      if (tabs > 1) await page.close();
    }
    // The board has one, and the desk two, of the six connections that a browser has.
    await untilStreams(3);
    await context.pages()[1]?.evaluate("location.hash = '#/customers'");
    await untilStreams(2);
    await context.close();
    await untilStreams(0);
  });
}
