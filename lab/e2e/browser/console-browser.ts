import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { startSystem } from '@rondo/harness';
import { chromium, type Page } from 'playwright-core';

export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
  existsSync(file),
);
if (CHROMIUM === undefined) process.stdout.write('Chromium is not installed here: the console is shown to none\n');

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TIMEOUT_MS = 60_000;
/** A browser has no more to one host. */
const BROWSER_CONNECTIONS = 6;

/** A whole system, and a browser for its console. */
export async function startConsole() {
  const system = await startSystem();
  const origin = `http://${system.address(20)}`;
  /** The open files of the gateway: its sockets above all. */
  const sockets = () => readdirSync(`/proc/${system.pid('gateway-1')}/fd`).length;
  const idle = sockets();
  const browser = await chromium.launch({ ...(CHROMIUM && { executablePath: CHROMIUM }), args: ['--no-sandbox'] });
  const faults: string[] = [];
  return {
    system,
    origin,
    browser,
    /** What a browser logs, and what it asks of others. */
    faults,
    sockets,
    /** The most sockets of the gateway while no tab is open. */
    mostIdle: idle + BROWSER_CONNECTIONS,
    /** A new tab, whose faults fail the test. */
    async open(): Promise<Page> {
      const tab = await browser.newPage();
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
    async close(): Promise<void> {
      await browser.close();
      await system.stop();
      system.remove();
    },
  };
}

/** What axe finds on a page: rules and the elements that break them. */
export async function axe(page: Page): Promise<unknown> {
  await page.evaluate(AXE);
  const script =
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))';
  return page.evaluate(script);
}
