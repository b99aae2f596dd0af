import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { effectsOf } from './runs-crash.js';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

it('the effect of each step happens once, with 100 drops at each edge, and every run ends', async () => {
  const { edges, runs, effects, twice } = await effectsOf({ postgres, rounds: 100 });
  expect(edges).toBeGreaterThan(60);
  expect(runs).toBe(1 + 100 * edges);
  expect(effects).toBe(10 * runs);
  expect(twice).toEqual([]);
});
