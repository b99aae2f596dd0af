import { expect, it } from '@jest/globals';
import { BREAKAGES } from './breakages.js';
import { runSeed } from './run-seed.js';
import { itKeepsItsPromises } from './seeds.js';

itKeepsItsPromises(109, 240);

/** By breakage: the first of the seeds, of which one finds it. */
const FIRST_SEEDS = [2, 1, 2, 2, 4, 1, 1];
const breakages = Object.entries(BREAKAGES).map(([name, breakage], at) => ({
  name,
  breakage,
  first: FIRST_SEEDS[at] ?? 1,
}));

it.each(breakages)('a part that is broken on purpose is found: $name', async ({ breakage, first }) => {
  let found: string | undefined;
  for (let seed = first; seed < first + 6 && found === undefined; seed += 1) {
    found = (await runSeed(seed, { breakage })).violation?.rule;
  }
  expect(found).toEqual(expect.any(String));
});
