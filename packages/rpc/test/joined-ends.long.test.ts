import { expect, it } from '@jest/globals';
import { makeRandomCalls } from './support/random-calls.js';

// Parts, because a test that takes longer is taken for one that hangs.
it.each([1_000, 6_000, 11_000, 16_000])('calls are settled, whatever arrives: 5,000 seeds from %i', async (first) => {
  for (let seed = first; seed < first + 5_000; seed += 1) {
    const isBroken = seed % 2 === 0;
    const { settled, wrong } = await makeRandomCalls(seed, isBroken);
    expect({ seed, settled, wrong: isBroken ? [] : wrong }).toEqual({ seed, settled: true, wrong: [] });
  }
});
