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
