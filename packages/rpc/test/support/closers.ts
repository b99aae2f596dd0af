import { afterEach } from '@jest/globals';

/** What each test of a file has to close: the last that was opened first. */
export function closersOfATest(): (() => unknown)[] {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return closers;
}
