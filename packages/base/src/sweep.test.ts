import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from '@jest/globals';
import { createSweep } from './sweep.js';
import { ManualClock } from './testing/manual-clock.js';

const silent = { warn: () => undefined };

it('runs each round outside of the call that starts or nudges it', async () => {
  const call = new AsyncLocalStorage<string>();
  const clock = new ManualClock();
  const seen: (string | undefined)[] = [];
  const round = async () => {
    await Promise.resolve();
    seen.push(call.getStore());
    return false;
  };
  const sweep = createSweep({ intervalMs: 1_000, clock, log: silent, name: 'a', round });
  call.run('start', () => sweep.start());
  await clock.advance(0);
  call.run('nudge', () => sweep.nudge());
  await clock.advance(1_000);
  expect(seen).toEqual([undefined, undefined, undefined]);
  await sweep.close();
});

it('waits as long as a round says, or less after a nudge with a delay, and the interval after a round that failed', async () => {
  const clock = new ManualClock();
  const began: number[] = [];
  const start = clock.now();
  const round = async () => {
    began.push(clock.now() - start);
    if (began.length === 3) throw new Error('the database is away');
    return began.length === 1 ? Infinity : 5_000;
  };
  const sweep = createSweep({ intervalMs: 1_000, clock, log: silent, name: 'a', round });
  sweep.start();
  await clock.advance(100_000);
  sweep.nudge(2_000);
  sweep.nudge(3_000);
  await clock.advance(2_000);
  sweep.nudge(200_000);
  await clock.advance(12_000);
  expect(began).toEqual([0, 102_000, 107_000, 108_000, 113_000]);
  await sweep.close();
});

it('aborts the round that runs when it closes, waits for it, and runs no other', async () => {
  const clock = new ManualClock();
  const steps: string[] = [];
  const round = async (signal: AbortSignal) => {
    steps.push('begin');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    steps.push('end');
    return true;
  };
  const sweep = createSweep({ intervalMs: 1_000, clock, log: silent, name: 'a', round });
  sweep.start();
  sweep.nudge();
  await sweep.close();
  expect(steps).toEqual(['begin', 'end']);
  sweep.nudge();
  await clock.advance(10_000);
  expect(steps).toEqual(['begin', 'end']);
});
