import { describe, expect, it } from '@jest/globals';
import { fromSeed } from '@rondo/rpc/internal/testing';
import { BREAKAGES } from './breakages.js';
import { runSeed } from './run-seed.js';

const SEEDS = Array.from({ length: 24 }, (_, index) => index + 109);

describe('registry, instances and clients under random faults', () => {
  it.each(SEEDS)('keep the promises of the registry, seed %i', async (seed) => {
    const command = `npm run sim -- --seed ${seed} --trace`;
    await fromSeed({ seed, command }, async () => {
      const { violation, calls } = await runSeed(seed);
      if (violation !== undefined) throw violation;
      expect(calls).toBeGreaterThan(50);
    });
  });

  it('behave the same again with the same seed', async () => {
    const run = async () => {
      const lines: string[] = [];
      await runSeed(7, { print: (line) => lines.push(line) });
      return lines;
    };
    const lines = await run();
    expect(lines.length).toBeGreaterThan(50);
    expect(await run()).toEqual(lines);
  });
});

describe('a part that is broken on purpose', () => {
  it.each(Object.entries(BREAKAGES))('is found: %s', async (_name, breakage) => {
    let found: string | undefined;
    for (let seed = 1; seed <= 6 && found === undefined; seed += 1) {
      found = (await runSeed(seed, { breakage })).violation?.rule;
    }
    expect(found).toEqual(expect.any(String));
  });
});
