import { afterEach, expect, it, jest } from '@jest/globals';
import { runAll } from '../check/check.js';
import { console } from '../terminal/console.js';
import { step } from './steps.js';

function logged(): readonly string[] {
  const lines: string[] = [];
  jest.spyOn(console, 'log').mockImplementation((line) => void lines.push(line));
  return lines;
}

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

it.each([
  ['says beforehand what takes long', 6_000, ['…       compile']],
  ['says nothing beforehand of what is fast', 4_000, []],
])('a step in a log %s', async (_what, takesMs, before) => {
  jest.useFakeTimers();
  const lines = logged();
  const work = () => new Promise<{ code: number }>((resolve) => setTimeout(() => resolve({ code: 0 }), takesMs));
  const done = step('compile', work);
  await jest.advanceTimersByTimeAsync(takesMs);
  await done;
  expect(lines).toEqual([...before, expect.stringMatching(/^ok {6}compile +\d+\.0 s$/)]);
});

it('a step of the check that throws has failed, and the later ones run', async () => {
  const lines = logged();
  const stale = () => Promise.reject(new TypeError('"nights" is no stored field'));
  const code = await runAll([
    ['tables', stale],
    ['lint', async () => ({ code: 0 })],
  ]);
  expect({ code, failed: lines.slice(0, 2) }).toEqual({
    code: 1,
    failed: [expect.stringMatching(/^FAILED +tables/), '        "nights" is no stored field'],
  });
  expect(lines.slice(2)).toEqual([
    expect.stringMatching(/^ok +lint/),
    '\n1 passed, 1 failed, 0 skipped',
    '  failed: tables',
  ]);
});
