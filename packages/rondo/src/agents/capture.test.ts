import { expect, it } from '@jest/globals';
import { capture } from './tools.js';

it.each([
  [false, /^begin.*\n\(36\d+ bytes after this are left out: ask for less\)\n$/s],
  [true, /^\(36\d+ bytes before this are left out: ask for less\)\n.*end\n$/s],
])('what is longer than 64 KiB is cut; its end is kept: %j', async (keepsEnd, shown) => {
  const { terminal, text } = capture(keepsEnd);
  for (const line of ['begin', 'x'.repeat(50_000), 'x'.repeat(52_199), 'end']) await terminal.write(`${line}\n`);
  expect(text()).toMatch(shown);
  expect(Buffer.byteLength(text())).toBeLessThan(64 * 1024 + 100);
});
