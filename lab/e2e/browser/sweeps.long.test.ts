/** What takes longer of the pages in a browser: how each looks, many tasks. */
import { describe, expect, it } from '@jest/globals';
import { testLooks } from './looks.js';
import { describeInBrowser } from './running.js';

describeInBrowser((at) => {
  for (const scheme of ['light', 'dark'] as const) describe('all pages', () => testLooks(at, scheme));

  it('shows a bounded part of 10,000 tasks, and finds each', async () => {
    const { open, origin, projectWith, send } = at();
    const { project } = await projectWith('First');
    const titles = Array.from({ length: 10_000 }, (_, index) => `Task ${index}`);
    for (let first = 0; first < titles.length; first += 1_000) {
      const requests = titles.slice(first, first + 1_000).map((title) => ({ task: { title } }));
      await send('POST', `${project}/tasks:batchCreate`, { requests });
    }
    const page = await open();
    await page.goto(`${origin}/board#/${project}`);
    const column = (name: string) => page.getByRole('region', { name, exact: true });
    await column('Open').getByText('The newest 40 of 10001').waitFor();
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(2_000);
    await page.getByLabel('Show').fill('task 7777');
    await column('Open').getByText('Task 7777', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Start Task 7777' }).click();
    await column('In progress').getByText('Task 7777', { exact: true }).waitFor();
  });
});
