/** Random functions with crashes. 20,000 of them: `npm test -- --ring long packages/jobs/test/runs-fuzz`. */
import { expect, it } from '@jest/globals';
import { fuzzAll } from './runs-fuzz.js';

it('200 random functions whose processes crash do what the model says', async () => {
  expect(await fuzzAll(200)).toEqual([]);
});
