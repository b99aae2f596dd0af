import { expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { createCpuMeter } from './cpu.js';

it('tells how busy the event loop was since it was last looked at, once a second', async () => {
  const clock = new ManualClock();
  let loop = { active: 500, idle: 500 };
  let looks = 0;
  const cpu = createCpuMeter(clock, () => {
    looks += 1;
    return loop;
  });
  loop = { active: 1_400, idle: 600 };
  expect(cpu()).toBe(0);
  await clock.advance(1_000);
  expect(cpu()).toBeCloseTo(0.9, 5);
  loop = { active: 1_400, idle: 5_000 };
  await clock.advance(999);
  expect(cpu()).toBeCloseTo(0.9, 5);
  expect(looks).toBe(2);
  await clock.advance(1);
  expect(cpu()).toBe(0);
});

it('keeps what it knew where the loop tells of no time at all', async () => {
  const clock = new ManualClock();
  const cpu = createCpuMeter(clock, () => ({ active: 0, idle: 0 }));
  await clock.advance(5_000);
  expect(cpu()).toBe(0);
});
