/** The seed as a newcomer runs it. `npm run calendar` runs this test on many days. */

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type System, startSystem } from '@rondo/harness';
import { readCompany, runSeed } from './src/company.js';
import { dayAt, requireYear, untilCounted } from './src/seeded.js';

let system: System;

beforeAll(async () => {
  system = await startSystem();
});

afterAll(async () => {
  await system.stop();
  system.remove();
});

it('npm run seed makes the same company on every day, and nothing twice', async () => {
  const first = await runSeed(system.registry);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  await untilCounted(system.registry);
  const company = await readCompany(system.registry);
  requireYear(company, Math.min(...company.members.map(({ createTime }) => dayAt(createTime))));
  expect(await runSeed(system.registry)).toMatchObject({ code: 0, stderr: '' });
  expect(await readCompany(system.registry)).toEqual(company);
});
