/** Random functions with crashes, for long. */
import { expect, it } from '@jest/globals';
import { fuzzAll } from './runs-fuzz.js';

it('20,000 random functions whose processes crash do what the model says', async () => {
  expect(await fuzzAll(20_000)).toEqual([]);
}, 3_600_000);
