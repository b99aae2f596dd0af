/** The console and the pages of the samples in a browser, all over one system: in this order, as the pages begin with an empty one. */
import { describe } from '@jest/globals';
import { testConsole } from './console.js';
import { testData } from './console-data.js';
import { testPages } from './pages.js';
import { describeInBrowser } from './running.js';
import { testStored } from './stored.js';

describeInBrowser((at) => {
  describe('the pages of the samples', () => testPages(at));
  describe('the console', () => testConsole(at));
  describe('what the console shows of instances', () => testData(at));
  describe('stored work in the console', () => testStored(at));
});
