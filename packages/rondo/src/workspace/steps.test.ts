import { afterEach, expect, it, jest } from '@jest/globals';
import { console } from '../terminal/console.js';
import { step } from './steps.js';

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

it.each([
  ['says beforehand what takes long', 6_000, ['…       compile']],
  ['says nothing beforehand of what is fast', 4_000, []],
])('a step in a log %s', async (_what, takesMs, before) => {
  jest.useFakeTimers();
  const lines: string[] = [];
  jest.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  const work = () => new Promise<{ code: number }>((resolve) => setTimeout(() => resolve({ code: 0 }), takesMs));
  const done = step('compile', work);
  await jest.advanceTimersByTimeAsync(takesMs);
  await done;
  expect(lines).toEqual([...before, expect.stringMatching(/^ok {6}compile +\d+\.0 s$/)]);
});
