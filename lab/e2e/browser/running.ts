import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { root, startSystem } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { createRouter, type ServiceImplementation, serve } from '@rondo/rpc/server';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

/** Where distributions install Chromium, and that of `npx playwright-core install chromium`. */
export const CHROMIUM = [
  ...['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', chromium.executablePath()],
].find((file) => existsSync(file));
if (CHROMIUM === undefined) process.stdout.write('Chromium is not installed here: the console is shown to none\n');

export const HOSTILE = '<img/src=x/onerror=document.title=`hit`>';
/** What another process sends, and how it is shown. */
export const TEXT = `${HOSTILE}\u001b[31m\u202e`;
export const SHOWN = `${HOSTILE}\\u001b[31m\\u202e`;

/** The folder that gets the guide's pictures, such as `docs/guides/console`; undefined if none is wanted. */
const PICTURES = process.env['GUIDE_PICTURES'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TIMEOUT_MS = 60_000;
/** A browser has no more to one host. */
const BROWSER_CONNECTIONS = 6;
/** The gateway asks each instance for its figures over a connection of its own, also while no tab is open. */
const ASKED = 8;

/** A running system with a browser. */
export type Running = Awaited<ReturnType<typeof startBrowser>>;

/** Starts a whole system, and a browser for its pages. */
export async function startBrowser() {
  const system = await startSystem({ metrics: true });
  const origin = `http://${system.address(20)}`;
  /** The open files of the gateway: its sockets above all. */
  const sockets = () => readdirSync(`/proc/${system.pid('gateway-1')}/fd`).length;
  const idle = sockets();
  const browser = await chromium.launch({
    ...(CHROMIUM && { executablePath: CHROMIUM }),
    args: ['--no-sandbox', '--disable-lcd-text'],
  });
  const shared = await browser.newContext();
  // As long as it is open, the tabs after it begin in its process.
  await (await shared.newPage()).goto(origin);
  const faults: string[] = [];
  /** Makes a change over HTTP/JSON. */
  async function send(method: string, path: string, body: object) {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${origin}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
    const json: { readonly name: string } = JSON.parse(await answer.text());
    expect({ status: answer.status, json }).toMatchObject({ status: 200 });
    return json;
  }
  let quotes = 0;
  return {
    send,
    /** A project with a task of this title. Returns both names. */
    async projectWith(title: string) {
      const { name: project } = await send('POST', 'projects', { project: { title: `Project of ${title}` } });
      const { name: task } = await send('POST', `${project}/tasks`, { title });
      return { project, task };
    },
    /** An open quote for a new customer, of two pieces of a new product. */
    async quoteFor(displayName: string, stock: number) {
      quotes += 1;
      const { name: customer } = await send('POST', 'customers', { displayName, email: `c${quotes}@rondo.example` });
      const priced = { title: `Lamp ${quotes}`, unitPrice: { currencyCode: 'EUR', units: '10' } };
      const { name: product } = await send('POST', 'products', { ...priced, sku: `L${quotes}`, stock });
      const { name: quote } = await send('POST', 'quotes', { customer, lines: [{ product, quantity: 2 }] });
      return { product, quote };
    },
    system,
    origin,
    browser,
    /** What a browser logs, and what it asks of others. */
    faults,
    sockets,
    /** The most sockets of the gateway while no tab is open. */
    mostIdle: idle + BROWSER_CONNECTIONS + ASKED,
    /** A new tab of a context, whose faults fail the test. Where they share one, the browser compiles each script once. */
    async open(of: BrowserContext = shared): Promise<Page> {
      const tab = await of.newPage();
      tab.setDefaultTimeout(TIMEOUT_MS);
      tab.on('pageerror', ({ message }) => faults.push(message));
      tab.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
      tab.on('request', (request) => {
        if (!request.url().startsWith(origin)) faults.push(`${request.url()} is asked`);
      });
      return tab;
    },
    /** Keeps a picture of the top of a page for the guide if it is wanted. */
    async picture(page: Page, name: string, height: number): Promise<void> {
      if (PICTURES === undefined) return;
      await page.setViewportSize({ width: 1280, height });
      await page.evaluate('scrollTo(0, 0)');
      await page.screenshot({ path: join(root, PICTURES, `${name}.jpg`), quality: 60 });
    },
    async close(): Promise<void> {
      await browser.close();
      await system.stop();
      system.remove();
    },
  };
}

/** A registered instance of the system that serves these contracts. Returns what stops it. */
export async function startInstance(
  { system }: Pick<Running, 'system'>,
  services: readonly ServiceImplementation[],
): Promise<() => Promise<void>> {
  const server = await serve(createRouter({ services }), { listen: '127.0.0.1:0' });
  const channel = createChannel({ resolver: staticResolver([system.registry]) });
  const endpoints = [{ address: server.address, security: 1, protocols: [] }];
  const names = services.map(({ definition }) => definition.fullName);
  const registered = { instanceId: 'evil-1', endpoints, services: [...names, 'evil.v1.Service'], status: 2 };
  const instance = { ...registered, version: '', zone: '', incarnation: BigInt(Date.now()) };
  const client = createClient(RegistryServiceDefinition, { channel });
  // It isn't renewed, and lasts longer than a test.
  const { leaseId } = await client.register({ instance, ttl: { seconds: 120n } });
  return async () => {
    await client.deregister({ leaseId, instanceId: instance.instanceId });
    channel.close();
    await server.drain(0);
  };
}

/** Opens a tab before each test, and closes it after: its faults fail the test. */
export function openForEach(at: () => Running, use: (running: Running, page: Page) => void): void {
  let page: Page;
  beforeEach(async () => {
    page = await at().open();
    use(at(), page);
  });
  afterEach(async () => {
    await page.close();
    expect(at().faults.splice(0)).toEqual([]);
  });
}

/** Expects that no text of others has run or has become an element. */
export async function expectText(page: Page): Promise<void> {
  expect([await page.title(), await page.locator('main img').count()]).toEqual(['Rondo console', 0]);
}

/** What axe finds on a page: rules and the elements that break them. */
export async function axe(page: Page): Promise<unknown> {
  await page.evaluate(AXE);
  const script =
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))';
  return page.evaluate(script);
}

/** Tests over one system and one browser; without Chromium they are skipped. */
export function describeInBrowser(tests: (at: () => Running) => void): void {
  (CHROMIUM === undefined ? describe.skip : describe)('in a browser', () => {
    let running: Running | undefined;
    beforeAll(async () => {
      running = await startBrowser();
    });
    afterAll(() => running?.close());
    tests(() => {
      if (running === undefined) throw new Error('no system runs');
      return running;
    });
  });
}
