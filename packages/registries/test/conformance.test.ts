import { describe, expect, it } from '@jest/globals';
import { registryConformance } from '../src/exports/testing.js';
import { type Flaws, memoryRegistry } from './memory-registry.js';

it.each(registryConformance)('a registry in memory $name', async ({ run }) => {
  await expect(run(memoryRegistry())).resolves.toBeUndefined();
});

describe('the suite refuses a registry', () => {
  it.each<[string, Flaws, RegExp]>([
    ['that loses a field', { alter: (instance) => ({ ...instance, zone: '' }) }, /lists .*"zone":"".*, not .*eu\/a/],
    ['whose earlier process keeps the id', { earlierWins: true }, /the earlier process is told that its entry is held/],
  ])('%s', async (_, flaws, message) => {
    const runs = registryConformance.slice(0, 3).map(({ run }) => run(memoryRegistry(flaws)).catch(String));
    expect((await Promise.all(runs)).filter(Boolean).join()).toMatch(message);
  });
});
