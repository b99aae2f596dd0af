import { expect, it } from '@jest/globals';
import { backgroundClock } from '@rondo/base';
import { ManualClock } from '@rondo/base/testing';
import { setSharedTimer } from './shared-timer.js';

it('timers of one moment are one, also those of the background clock', async () => {
  const clock = new ManualClock();
  const ran: string[] = [];
  setSharedTimer(clock, { delayMs: 250, stepMs: 250 }, () => void ran.push('own'));
  await clock.advance(17);
  setSharedTimer(backgroundClock(clock), { delayMs: 200, stepMs: 250 }, () => void ran.push('background'));
  expect(clock.timers).toBe(1);
  await clock.advance(233);
  expect(ran).toEqual(['own', 'background']);
});

it('a background clock has no background clock of its own', () => {
  const background = backgroundClock(new ManualClock());
  expect(backgroundClock(background)).toBe(background);
});
