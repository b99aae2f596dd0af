import { expect, it } from '@jest/globals';
import { fromSeed } from './faults.js';
import { runSeed } from './run-seed.js';

/** A test of each of so many seeds. */
export function itKeepsItsPromises(first: number, count: number): void {
  const seeds = Array.from({ length: count }, (_, index) => index + first);
  it.each(seeds)(
    'registry, instances and clients keep the promises of the registry under random faults, seed %i',
    async (seed) => {
      const command = `npm run lab -- sim --seed ${seed} --trace`;
      await fromSeed({ seed, command }, async () => {
        const { violation, calls } = await runSeed(seed);
        if (violation !== undefined) throw violation;
        expect(calls).toBeGreaterThan(50);
      });
    },
  );
}
