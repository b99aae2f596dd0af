/** The console and the pages of the samples in a browser, all over one system: in this order, as the pages begin with an empty one. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import { testConsole } from './console.js';
import { testLooks } from './looks.js';
import { testPages } from './pages.js';
import { CHROMIUM, type Running, startBrowser } from './running.js';
import { testTold } from './told.js';

(CHROMIUM === undefined ? describe.skip : describe)('in a browser', () => {
  let running: Running | undefined;
  beforeAll(async () => {
    running = await startBrowser();
  });
  afterAll(() => running?.close());
  const at = (): Running => {
    if (running === undefined) throw new Error('no system runs');
    return running;
  };

  describe('the pages of the samples', () => testPages(at));
  describe('the console', () => testConsole(at));
  describe('what the console is told', () => testTold(at));
  describe('all pages', () => testLooks(at, 'light'));
});
