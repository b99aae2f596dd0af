import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Ended } from '@rondo/harness';
import { readCompany, runSeed } from '../company.js';
import { dayAt, requireYear, untilCounted } from '../seeded.js';
import { system } from './system.js';

/** The company's year ends on this Wednesday, which is in the past. */
const TODAY = '2020-02-26';

describe('npm run seed', () => {
  let first: Ended;

  beforeAll(async () => {
    first = await runSeed(system.registry, { today: TODAY });
  });

  it('makes a company across all services', () => {
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toContain('12 members, 30 products in 3 currencies, 60 customers');
    expect(first.stdout).toMatch(/accepted: orders\/\S+, delivered by projects\/\S+, \d+ minutes of work/);
  });

  it('makes as many of each as it must', () => untilCounted(system.registry));

  it('makes a year of orders, and none that ends on another day than the first time', async () => {
    const before = await readCompany(system.registry);
    requireYear(before, dayAt(new Date(TODAY)));
    const { code, stderr } = await runSeed(system.registry, { today: '2024-02-20' });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('name that day again by --today') });
    expect(await readCompany(system.registry)).toEqual(before);
  });
});
