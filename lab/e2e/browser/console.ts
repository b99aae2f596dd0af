/** The console in a browser, over a whole running.system. */
import { createServer, request as requestTo } from 'node:http';
import { expect, it } from '@jest/globals';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually, freePort } from '@rondo/harness';
import { silentLogger } from '@rondo/rpc/call';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn } from '@rondo/rpc/testing';
import { startService } from '@rondo/service';
import type { Page } from 'playwright-core';
import { axe, expectText, openForEach, type Running } from './running.js';

/** In a page, resolves once it says so, for however short a time: a gateway that is restarted is back at once. */
const untilNotLive = `new Promise((said) => {
  const look = () => document.body.textContent.includes('Not live') && said();
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
})`;
const HOSTILE = '<img src=x onerror="document.title=`hit`">';

/** Tests the console: the fleet and the methods. */
export function testConsole(at: () => Running): void {
  let running: Running;
  let page: Page;

  openForEach(at, (opened, tab) => {
    running = opened;
    page = tab;
  });

  const openMethod = (name: string) => page.goto(`${running.origin}/console#/methods/${name}`);
  const answer = () => page.getByRole('region', { name: 'Answer' });

  /** Calls the method that is shown, and waits for the end. */
  async function callIt(): Promise<string> {
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await answer()
      .getByRole('status')
      .filter({ hasText: / after / })
      .filter({ hasNotText: 'running' })
      .waitFor();
    return (await answer().textContent()) ?? '';
  }

  const row = (id: string) =>
    page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: id, exact: true }) });

  /** Makes calls through the gateway, whether they succeed or not. */
  const add = (count: number) => {
    const request = { method: 'POST', body: '{"a":1,"b":2}', headers: { 'content-type': 'application/json' } };
    return Promise.all(Array.from({ length: count }, () => fetch(`${running.origin}/add`, request)));
  };

  it('is linked on the first page', async () => {
    await page.goto(running.origin);
    await page.getByRole('link', { name: 'Console' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.goto(`${running.origin}/console#/nonsense`);
    await page.getByRole('link', { name: 'There is no page “nonsense”: see the overview' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });

  it('calls a unary method by its form, and names the instance', async () => {
    await openMethod('calculator.v1.CalculatorService/Add');
    await page.getByLabel(/^a /).fill('2');
    await page.getByLabel(/^b /).fill('3');
    await page.getByText('Deadline and metadata').click();
    const metadata = page.getByLabel('Metadata');
    await metadata.fill('x note: a b');
    expect(await page.evaluate('metadata.validationMessage')).toContain('“x note: a b”: write a name');
    await metadata.fill('x-note: a b');
    const text = await callIt();
    expect(text).toMatch(/OK after \d+ ms, from calculator-\d/);
    expect(text).toContain('"result": "5"');
    await page.getByText('Copy the call').click();
    await page.getByText(/^curl .*-H 'x-note: a b'.*CalculatorService\/Add$/).waitFor();
    await answer().getByRole('link', { name: 'its trace' }).click();
    await page.getByRole('button', { name: /^calculator\.v1\.CalculatorService\/Add/ }).waitFor();
    await page.getByText('Complete', { exact: true }).waitFor();
  });

  it('calls a method with a stream of replies, and one with a stream of requests', async () => {
    await openMethod('calculator.v1.CalculatorService/EvaluateBatch');
    expect(await callIt()).toContain('OK after');
    await openMethod('calculator.v1.CalculatorService/Sum');
    await page.getByRole('button', { name: 'Add a message' }).click();
    expect(await callIt()).toContain('OK after');
    await page.getByText('A browser sends the requests of a stream all at once').waitFor();
  });

  it('calls a method with both streams', async () => {
    await openMethod('grpc.reflection.v1.ServerReflection/ServerReflectionInfo');
    await page.getByLabel('JSON').check();
    await page.getByRole('textbox', { name: 'ServerReflectionRequest' }).fill('{"listServices": ""}');
    expect(await callIt()).toContain('calculator.v1.CalculatorService');
  });

  it('shows what a stream tells as it comes, and cancels it', async () => {
    await openMethod('projects.v1.ProjectService/WatchProjects');
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await answer().locator('pre').first().waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await answer().getByText('CANCELLED', { exact: true }).waitFor();
  });

  it('begins with what a request needs, takes three lines, and keeps them while another method is looked at', async () => {
    const { product } = await running.quoteFor('Lantern House', 9);
    await openMethod('sales.v1.QuoteService/CreateQuote');
    const add = page.getByRole('button', { name: 'Add to lines' });
    await add.click();
    await add.click();
    expect(await page.getByLabel(/^(?:year|request_id) /).count()).toBe(1);
    for (const line of [0, 1, 2])
      await page
        .getByLabel(/^product /)
        .nth(line)
        .fill(product);
    await page.getByLabel('Find a method').fill('listcust');
    await page.getByRole('link', { name: 'ListCustomers' }).click();
    const [, customer = ''] = /"name": "(customers\/[^"]+)"/.exec(await callIt()) ?? [];
    await page.goBack();
    await page.getByLabel(/^customer /).fill(customer);
    expect(await callIt()).toContain('"units": "30"');
    await running.picture(page, 'method', 720);
  });

  it('checks the rules as one types', async () => {
    await openMethod('sales.v1.QuoteService/CreateQuote');
    const fault = page.getByText('must be greater than or equal to 1');
    await page.getByLabel(/^quantity /).fill('0');
    await fault.waitFor();
    expect(await page.getByLabel(/^quantity /).getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel(/^quantity /).fill('2');
    await fault.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Set tax_percent' }).waitFor();
    await page.getByLabel(/^quote_date /).fill('2026-03-01');
    await page.getByLabel('JSON').check();
    const json = await page.getByRole('textbox', { name: 'CreateQuoteRequest' }).inputValue();
    expect(JSON.parse(json)).toMatchObject({ quote: { quoteDate: { year: 2026, month: 3, day: 1 } } });
  });

  it('drains an instance, which all tabs see, and puts it back', async () => {
    await page.goto(`${running.origin}/console#/fleet`);
    await page.getByRole('button', { name: 'Drain calculator-2' }).click();
    await page.getByText('All clients stop to send it new calls').waitFor();
    await page.getByLabel('Why, for other operators').fill('a new disk');
    await page.getByRole('button', { name: 'Drain it' }).click();
    await row('calculator-2').getByText('cordoned', { exact: true }).waitFor();
    await eventually(async () => {
      await add(10);
      expect(await page.locator('.map').textContent()).toMatch(/[\d.]+\/s, [\d.]+ m?s/);
      expect(await page.locator('.map').textContent()).toMatch(/gateway.*1 serving, makes [\d.]+\/s/);
    });
    await page.goto(`${running.origin}/console`);
    const why = /^calculator-2 isn’t picked. An operator has taken it out.* Its reason: a new disk$/;
    await page.getByRole('link', { name: why }).click();
    const callers = page.getByRole('region', { name: 'calculator-2' });
    await callers.locator('h3:focus').waitFor();
    await callers.getByText('Its reason: a new disk').waitFor();
    const logged = callers.getByRole('row', { name: / info calculator-2 / });
    await logged.first().waitFor();
    await callers.getByRole('row', { name: /^gateway-1 .*Not picked: cordoned by an operator/ }).waitFor();
    expect((await running.system.rondo('ps')).stdout).toMatch(/calculator-2.*cordoned/i);
    const weigh = async (weight: string) => {
      await callers.getByRole('button', { name: 'Weight' }).click();
      await page.getByLabel('Weight', { exact: true }).fill(weight);
      await page.getByRole('button', { name: 'Set it' }).click();
    };
    await weigh('7 %');
    await page.getByRole('alert').getByText('a weight is a whole number').waitFor();
    await page.getByRole('button', { name: 'Leave it' }).click();
    await weigh('7');
    await callers.getByText('7, relative to the others').waitFor();
    await weigh('');
    await callers.getByText('100, relative to the others').waitFor();
    await callers.getByRole('button', { name: 'Restart' }).click();
    const before = running.system.pid('calculator-2');
    await page.getByRole('button', { name: 'Restart it' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await eventually(() => expect(running.system.pid('calculator-2')).not.toBe(before));
    await callers.getByRole('button', { name: 'Uncordon' }).click();
    await page.getByRole('button', { name: 'Uncordon it' }).click();
    await row('calculator-2').getByText('serving').waitFor();
  });

  it('narrows the instances by a word, which the address has', async () => {
    await page.goto(`${running.origin}/console#/fleet/Calculator.V1`);
    await row('calculator-1').waitFor();
    expect([await row('calculator-1').count(), await row('sales-1').count()]).toEqual([1, 0]);
    await page.getByLabel('Show').fill('sales');
    await row('sales-1').waitFor();
    expect([page.url().split('#')[1], await row('calculator-1').count()]).toEqual(['/fleet/sales', 0]);
    await page.getByLabel('Show').fill('no such thing');
    await page.getByText('No instance fits').waitFor();
  });

  it('shows who calls whom, and a fault: calls that fail, and the instance that is ejected', async () => {
    const fault = new RpcError(Status.INTERNAL, `\u202e${HOSTILE}`);
    const failing = standIn(CalculatorServiceDefinition, { add: () => Promise.reject(fault) });
    const environment = { RONDO_REGISTRY: running.system.registry, RONDO_INSTANCE_ID: 'calculator-9' };
    const service = await startService({
      name: 'calculator',
      port: 0,
      environment,
      log: silentLogger,
      createApp: () => ({ services: [failing] }),
    });
    try {
      await page.goto(`${running.origin}/console#/fleet`);
      await eventually(async () => {
        await add(20);
        expect(await page.locator('.map').textContent()).toMatch(/1 ejected by a caller/);
      });
      await page.getByRole('link', { name: /^calculator 1 ejected by a caller/ }).waitFor();
      await page.getByText('The same as a table').click();
      await page.getByRole('cell', { name: /calculator-9: ejected.* failed .*\\u202e<img src=x/ }).waitFor();
      await page.goto(`${running.origin}/console#/fleet//calculator-9`);
      await page.getByRole('row', { name: /^gateway-1 .*Left out by this caller alone: ejected/ }).waitFor();
      expect(await page.getByText('ejected:').count()).toBe(1);
      expect([await page.locator('main img').count(), await axe(page)]).toEqual([0, []]);
    } finally {
      await service.drain();
    }
  });

  it('refuses to drain the last instance of a service, and says why', async () => {
    await page.goto(`${running.origin}/console#/fleet`);
    await page.getByRole('button', { name: 'Drain sales-1' }).click();
    await page.getByRole('button', { name: 'Drain it' }).click();
    await page.getByRole('alert').getByText('start another instance first').waitFor();
    running.faults.splice(0); // the browser logs the refusal
  });

  it('shows neither instances nor buttons to a person without the scope, and asks for credentials', async () => {
    const json = { code: 'permission_denied', message: 'ada lacks rondo.operator' };
    await page.route('**/CheckAccess', (route) => route.fulfill({ status: 403, json }));
    await page.goto(`${running.origin}/console#/fleet`);
    await page.getByRole('alert').getByText(json.message).waitFor();
    await page.getByLabel('Token or API key').waitFor();
    expect(await page.getByRole('button', { name: /Drain/ }).count()).toBe(0);
    running.faults.splice(0); // the browser logs the refusal
  });

  /** A project on the board, next to the console. */
  async function openBoard() {
    const { project, task } = await running.projectWith('Dig');
    const board = await running.open();
    await board.clock.install();
    await board.goto(`${running.origin}/board#/${project}`);
    await board.getByText('Live', { exact: true }).waitFor();
    return { board, task };
  }

  it('says when it has lost the gateway, keeps what it knew, and comes back by itself, as the board does', async () => {
    const { board, task } = await openBoard();
    await page.goto(`${running.origin}/console#/fleet`);
    await row('sales-1').waitFor();
    const lost = [page, board].map((tab) => tab.evaluate(untilNotLive));
    const restarted = running.system.rondo('restart', 'gateway-1', '--data', running.system.data);
    await Promise.all(lost);
    expect([await row('sales-1').count(), await board.getByText('Dig', { exact: true }).count()]).toEqual([1, 1]);
    for (const tab of [page, board]) await tab.getByText('Live', { exact: true }).waitFor();
    expect(await restarted).toMatchObject({ code: 0 });
    await running.send('PATCH', task, { title: 'Dig deep' });
    await board.getByText('Dig deep', { exact: true }).waitFor();
    await board.close();
    running.faults.splice(0); // the browser may log that a connection was refused
  });

  it('says on the overview which instance is frozen', async () => {
    await page.goto(`${running.origin}/console`);
    const frozen = running.system.pid('calculator-1');
    process.kill(frozen, 'SIGSTOP');
    const lost = page.getByRole('link', { name: 'calculator-1 is lost. Its lease ran out' });
    try {
      await lost.click();
      const shown = page.getByRole('region', { name: 'calculator-1' });
      await shown.getByText('lost', { exact: true }).waitFor();
      await shown.getByText('It can’t be asked for its log lines').waitFor();
      expect(await shown.getByText(/has called its services|Complete/).count()).toBe(0);
      expect(await page.getByRole('button', { name: / calculator-1$/ }).count()).toBe(0);
      await page.goBack();
    } finally {
      process.kill(frozen, 'SIGCONT');
    }
    await lost.waitFor({ state: 'detached' });
  });

  it('says that a gateway is silent whose connections stand, as the board does', async () => {
    const { board } = await openBoard();
    await page.clock.install();
    await page.goto(`${running.origin}/console#/fleet`);
    await page.getByText('Live', { exact: true }).waitFor();
    const gateway = running.system.pid('gateway-1');
    process.kill(gateway, 'SIGSTOP');
    try {
      for (const tab of [page, board]) await tab.clock.fastForward(30_000);
      for (const tab of [page, board]) await tab.getByText('Not live: the gateway is silent.').waitFor();
    } finally {
      process.kill(gateway, 'SIGCONT');
    }
    for (const tab of [page, board]) {
      await tab.clock.fastForward(30_000);
      await tab.getByText('Live', { exact: true }).waitFor();
    }
    await board.close();
  });

  it('is not framed, read or called by a page of another origin', async () => {
    const script = `<iframe src="${running.origin}/console"></iframe><script>
      fetch('${running.origin}/rondo.gateway.v1.ConsoleService/WatchFleet', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{}' })
        .then((answer) => { document.title = 'read'; }, () => { document.title = 'refused'; })</script>`;
    const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(script));
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await page.goto(`http://127.0.0.1:${port}/`);
    await eventually(async () => expect(await page.title()).toBe('refused'));
    expect(await page.frameLocator('iframe').getByText('Live', { exact: true }).count()).toBe(0);
    server.close();
    running.faults.splice(0); // the browser logs both refusals
  });

  it('shows text of others as text', async () => {
    const channel = createChannel({ resolver: staticResolver([running.system.registry]) });
    const instance = {
      endpoints: [{ address: '127.0.0.1:1', security: 1, protocols: [] }],
      services: ['evil.v1.Service'],
    };
    const named = { instanceId: 'evil-1', version: HOSTILE, zone: '', status: 2, incarnation: BigInt(Date.now()) };
    await createClient(RegistryServiceDefinition, { channel }).register({ instance: { ...instance, ...named } });
    channel.close();
    await page.goto(`${running.origin}/console#/fleet`);
    await row('evil-1').getByText(HOSTILE).waitFor();
    await page.goto(`${running.origin}/console#/fleet/${encodeURIComponent(HOSTILE)}/evil-1`);
    await page.getByRole('region', { name: 'evil-1' }).getByText(HOSTILE).waitFor();
    expect(await page.locator('main img').count()).toBe(0);

    await openMethod('sales.v1.CustomerService/CreateCustomer');
    await page.getByLabel(/^display_name /).fill(`${HOSTILE}\u202e`);
    expect(await callIt()).toContain('onerror');
    await expectText(page);
    running.faults.splice(0); // the service may refuse the name, and the browser logs that
  });

  it('works below a prefix that a proxy adds to all paths', async () => {
    const proxy = createServer((request, response) => {
      const { method, url = '', headers } = request;
      if (!url.startsWith('/ops/')) return response.writeHead(404).end();
      const upstream = requestTo(running.origin + url.slice('/ops'.length), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(upstream);
      response.on('close', () => upstream.destroy());
    });
    const port = await freePort();
    await new Promise<void>((resolve) => proxy.listen(port, '127.0.0.1', resolve));
    const tab = await (await running.browser.newContext()).newPage();
    await tab.goto(`http://127.0.0.1:${port}/ops/console/`);
    await tab.getByText('Live', { exact: true }).waitFor();
    await tab.getByRole('link', { name: 'Methods' }).click();
    await tab.getByText('Choose a method').waitFor();
    await tab.goto(`http://127.0.0.1:${port}/ops/board`);
    await tab.getByText('Live', { exact: true }).waitFor();
    await tab.context().close();
    proxy.close();
  });

  it('leads from a chart to the slowest calls of that time, to their log lines, and to the form with the request', async () => {
    await fetch(`${running.origin}/v1/quotes/none`).then((answer) => answer.text());
    await page.goto(`${running.origin}/console#/overview/sales.v1.QuoteService/GetQuote`);
    await page.getByRole('link', { name: /^Most p99: .* at \d\d:\d\d:\d\d / }).click();
    expect(page.url()).toMatch(/from=2\d{3}-.*Z&to=2\d{3}-.*Z/);
    await page.getByRole('row').filter({ hasText: 'refused: HTTP 404' }).getByRole('link').first().click();
    await page.getByText('Its log lines').waitFor();
    await page.getByRole('button', { name: /^sales\.v1\.QuoteService\/GetQuote/ }).click();
    await page.getByRole('link', { name: 'Call it by its form' }).click();
    expect(await page.getByLabel(/^name /).inputValue()).toBe('quotes/none');
    expect(await callIt()).toContain('NOT_FOUND');
    running.faults.splice(0); // the browser logs the refusal
  });

  it('leaves no stream behind when tabs are closed, and follows again', async () => {
    const context = await running.browser.newContext();
    for (let tabs = 0; tabs < 9; tabs += 1) {
      const tab = await context.newPage();
      const path = ['console', 'console#/traces', 'console#/logs'][tabs % 3];
      await tab.goto(`${running.origin}/${path}`, { waitUntil: tabs % 10 === 0 ? 'load' : 'commit' });
      if (tabs < 3) await tab.getByText('Live', { exact: true }).waitFor();
      await tab.close();
    }
    await context.close();
    // Each stream would hold the connections by which the gateway asks the instances for their loads.
    await eventually(() => expect(running.sockets()).toBeLessThanOrEqual(running.mostIdle));
    await page.goto(`${running.origin}/console#/fleet`);
    await page.getByText('Live', { exact: true }).waitFor();
  });
}
