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

/** The part of the address behind `#/` of each page. It comes with the page of the first thing that it lists. */
const PAGES = [
  'overview',
  'fleet',
  'traces/?order=slowest',
  'logs',
  'transactions',
  'runs',
  'jobs',
  'events',
  'settings',
  'methods',
];

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
  const take = async (href, name) => {
    await page.goto(`${values.origin}/console${href}`);
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
  };
  for (const place of PAGES) {
    const name = place.replace(/\/.*/, '');
    if (values.only !== undefined && !values.only.split(',').includes(name)) continue;
    await take(`#/${place}`, name);
    const [listed] = await page.locator(`:is(tbody, nav) a[href^="#/${name}/"]`).all();
    if (listed !== undefined) await take(await listed.getAttribute('href'), `${name}-one`);
  }
  await browser.close();
  return 0;
}
