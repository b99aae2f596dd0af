/** Takes pictures of the console's pages, of a system that runs: `npm run lab -- screens --origin http://127.0.0.1:8080 --out DIR`. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

/** Where distributions install Chromium; else that of `npx playwright-core install chromium`. */
const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((file) => existsSync(file));
const SIZES = { wide: { width: 1400, height: 900 }, phone: { width: 390, height: 844 } };
/** How long a page has to become whole: charts and maps are drawn after their first figures. Milliseconds. */
const SETTLE_MS = 4_000;

/** By name: the part of the address behind `#/`. `TRACE`, `INSTANCE` and `SERVICE` are those that the system has. */
const PAGES = {
  overview: 'overview',
  service: 'overview/SERVICE',
  fleet: 'fleet',
  instance: 'fleet//INSTANCE',
  traces: 'traces/?order=slowest',
  trace: 'traces/TRACE',
  logs: 'logs',
  transactions: 'transactions',
  runs: 'runs',
  run: 'runs/RUN',
  jobs: 'jobs',
  events: 'events',
  settings: 'settings',
  methods: 'methods/SERVICE',
};

export async function main(args) {
  const { values } = parseArgs({
    args,
    options: {
      origin: { type: 'string', default: 'http://127.0.0.1:8080' },
      out: { type: 'string', default: '.rondo/screens' },
      only: { type: 'string' },
    },
  });
  mkdirSync(values.out, { recursive: true });
  const browser = await chromium.launch({ ...(EXECUTABLE && { executablePath: EXECUTABLE }), args: ['--no-sandbox'] });
  const page = await browser.newPage();
  const found = await namesOf(page, values.origin);
  for (const [name, place] of Object.entries(PAGES)) {
    if (values.only !== undefined && !values.only.split(',').includes(name)) continue;
    await page.goto(`${values.origin}/console#/${place.replace(/[A-Z]{2,}/, (key) => found[key] ?? '')}`);
    await page.waitForTimeout(SETTLE_MS);
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        await page.waitForTimeout(300);
        await page.screenshot({ path: path.join(values.out, `${name}-${size}-${colorScheme}.png`) });
      }
    }
    console.log(name);
  }
  await browser.close();
  return 0;
}

/** What the system has of each kind: a service with calls, an instance, a trace and a run. */
async function namesOf(page, origin) {
  const first = async (place, timeout = SETTLE_MS) => {
    await page.goto(`${origin}/console#/${place}`);
    const link = page.locator('tbody th a').first();
    await link.waitFor({ timeout }).catch(() => undefined);
    return (await link.count()) > 0 ? link : undefined;
  };
  const trace = await (await first('traces/?order=slowest'))?.getAttribute('href');
  const service = await (await first('overview', 3 * SETTLE_MS))?.textContent();
  const instance = await (await first('fleet'))?.textContent();
  const run = await (await first('runs'))?.getAttribute('href');
  return {
    TRACE: trace?.split('/').pop() ?? 'ffff',
    SERVICE: service ?? 'sales.v1.QuoteService',
    INSTANCE: instance ?? 'none',
    RUN: run?.replace('#/runs/', '') ?? 'none',
  };
}
