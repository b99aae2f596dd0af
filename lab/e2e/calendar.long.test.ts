/** The seed as a newcomer runs it. `npm run lab -- calendar` runs this test on many days. */

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type System, startSystem } from '@rondo/harness';
import { readCompany, runSeed } from '../../e2e/src/company.js';
import { dayAt, requireYear, untilCounted } from '../../e2e/src/seeded.js';

let system: System;

beforeAll(async () => {
  system = await startSystem();
});

afterAll(async () => {
  await system.stop();
  system.remove();
});

const made = (stdout: string) => stdout.match(/(?:quotes|orders|projects)\/[\w-]+/g);

it('npm run seed makes the same company on every day, and nothing twice, not even on another day', async () => {
  const first = await runSeed(system.registry);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  await untilCounted(system.registry);
  const company = await readCompany(system.registry);
  const day = Math.min(...company.members.map(({ createTime }) => dayAt(createTime)));
  requireYear(company, day);
  const today = new Date(day * 86_400_000).toISOString().slice(0, 10);
  const again = await runSeed(system.registry, { today, daysAhead: 5 });
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(made(again.stdout)).toEqual(made(first.stdout));
  const late = await runSeed(system.registry, { today, daysAhead: 40 });
  expect(late).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing was made') });
  expect(await readCompany(system.registry)).toEqual(company);
});
