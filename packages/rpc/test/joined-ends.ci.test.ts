/** Both ends of frames without sockets: bytes come in any chunks, and one may be wrong. `joined-ends.long.test.ts` has more seeds. */
import { expect, it } from '@jest/globals';
import { makeRandomCalls } from './support/random-calls.js';

const SEEDS = 100;

it('calls have their outcomes, in whatever chunks their bytes come', async () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    expect({ seed, ...(await makeRandomCalls(seed, false)) }).toEqual({ seed, settled: true, wrong: [] });
  }
});

it('calls end, and nothing else does, if a byte is wrong', async () => {
  let harmed = 0;
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { settled, wrong } = await makeRandomCalls(seed, true);
    expect({ seed, settled }).toEqual({ seed, settled: true });
    if (wrong.length > 0) harmed += 1;
  }
  expect(harmed).toBeGreaterThan(SEEDS / 10);
});
