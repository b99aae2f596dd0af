import { expect, it } from '@jest/globals';
import { runSeed } from './run-seed.js';
import { itKeepsItsPromises } from './seeds.js';

itKeepsItsPromises(1, 3);

it('a run behaves the same again with the same seed', async () => {
  const run = async () => {
    const lines: string[] = [];
    await runSeed(7, { print: (line) => lines.push(line) });
    return lines;
  };
  const lines = await run();
  expect(lines.length).toBeGreaterThan(50);
  expect(await run()).toEqual(lines);
});
