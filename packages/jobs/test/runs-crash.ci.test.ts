import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestPostgres, type TestPostgres } from '@rondo/database/testing';
import { effectsOf } from './runs-crash.js';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startTestPostgres();
});
afterAll(() => postgres.stop());

it('the effect of each step happens once, wherever the engine is dropped, and every run ends', async () => {
  const { edges, runs, effects, twice } = await effectsOf({ postgres, rounds: 2 });
  expect(edges).toBeGreaterThan(60);
  expect(runs).toBe(1 + 2 * edges);
  expect(effects).toBe(10 * runs);
  expect(twice).toEqual([]);
});

it('controls: calls without keys happen twice, and so does a plain step', async () => {
  const { twice } = await effectsOf({ postgres, wild: true, step: true, rounds: 1 });
  const of = (step: string) => twice.filter((entry) => entry.endsWith(` ${step}`)).length;
  expect(of('1') + of('5')).toBeGreaterThan(0);
  expect(of('8')).toBeGreaterThan(0);
  expect(twice).toHaveLength(of('1') + of('5') + of('8'));
});
