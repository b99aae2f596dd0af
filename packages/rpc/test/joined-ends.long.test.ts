import { expect, it } from '@jest/globals';
import { makeRandomCalls } from './support/random-calls.js';

it('calls over joined ends are settled, whatever arrives: 20,000 seeds', async () => {
  for (let seed = 1_000; seed < 21_000; seed += 1) {
    const isBroken = seed % 2 === 0;
    const { settled, wrong } = await makeRandomCalls(seed, isBroken);
    expect({ seed, settled, wrong: isBroken ? [] : wrong }).toEqual({ seed, settled: true, wrong: [] });
  }
});
